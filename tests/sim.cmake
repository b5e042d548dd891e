# Simulations: whole peers in virtual time. Each names its seed when it fails.
function(wlk_sim name)
	cmake_parse_arguments(arg "" "" "SOURCES;ARGS" ${ARGN})
	list(POP_FRONT arg_SOURCES own)
	wlk_compile_once(shared sim/sim.c sim/network.c ${arg_SOURCES})
	add_executable(${name} ${own} ${shared})
	target_link_libraries(${name} PRIVATE Wirelark::wirelark_static wlk_test_flags PkgConfig::CMOCKA PkgConfig::OPENSSL PkgConfig::SRTP
		PkgConfig::USRSCTP PkgConfig::OPUS PkgConfig::VPX Threads::Threads m)
	# Exported, so that the gettimeofday() of the libraries below is the simulation's.
	set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
	add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
	set_tests_properties(${name} PROPERTIES LABELS sim TIMEOUT 900 COST 100) # the longest of all: they begin first
endfunction()

wlk_sim(sim_scenarios SOURCES sim/scenarios.c)
wlk_sim(sim_false_start SOURCES sim/false_start.c)
wlk_sim(sim_roaming SOURCES sim/roaming.c sim/roaming_call.c support/turn_server.c ARGS 5) # SEEDS
wlk_sim(sim_rebinding SOURCES sim/rebinding.c sim/roaming_call.c support/turn_server.c ARGS 5) # SEEDS
wlk_sim(sim_channels SOURCES sim/channels.c ARGS 1 20) # FIRST_SEED COUNT
wlk_sim(sim_oom SOURCES sim/oom.c)
wlk_sim(sim_attacks SOURCES sim/attacks.c sim/attack.c)
target_link_options(sim_attacks PRIVATE -Wl,--wrap=dtls_transport_send) # to see SCTP packets in the clear
wlk_sim(sim_attacks_media SOURCES sim/attacks_media.c sim/attack.c)
wlk_sim(sim_random_api SOURCES sim/random_api.c sim/random_calls.c sim/random_media.c sim/random_signalling.c ARGS 1 300) # FIRST_SEED COUNT
wlk_sim(sim_misuse SOURCES sim/misuse.c)
wlk_sim(sim_jsep SOURCES sim/jsep.c)
wlk_sim(sim_resignal SOURCES sim/resignal.c)
wlk_sim(sim_transceivers SOURCES sim/transceivers.c)
wlk_sim(sim_perfect_negotiation SOURCES sim/perfect_negotiation.c ARGS 1 6 50) # FIRST_SEED PAIRS ROUNDS; 1 200 50 is the whole
wlk_sim(sim_options SOURCES sim/options.c)
wlk_sim(sim_turn SOURCES sim/turn.c support/turn_server.c)
wlk_sim(sim_transports SOURCES sim/transports.c)
wlk_sim(sim_direct SOURCES sim/direct.c)
wlk_sim(sim_errors SOURCES sim/errors.c)
target_link_options(sim_errors PRIVATE -Wl,--wrap=dtls_transport_send) # to make a far end abort
wlk_sim(sim_bundling SOURCES sim/bundling.c)
wlk_sim(sim_parameters SOURCES sim/parameters.c)
wlk_sim(sim_dtmf SOURCES sim/dtmf.c)
wlk_sim(sim_rid_limits SOURCES sim/rid_limits.c support/film.c support/picture_quality.c)
wlk_sim(sim_frames SOURCES sim/frames.c sim/encoded.c ARGS 1 25) # FIRST_SEED COUNT
wlk_sim(sim_media SOURCES sim/media.c sim/encoded.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c ARGS 1 20) # FIRST_SEED COUNT; 1 2000 is the whole
wlk_sim(sim_tracks SOURCES sim/tracks.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c)
wlk_sim(sim_raw SOURCES sim/raw.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c ARGS 1) # SEED
wlk_sim(sim_raw_layers SOURCES sim/raw_layers.c support/film.c support/picture_quality.c ARGS 8) # SEED
wlk_sim(sim_media_cc SOURCES sim/media_cc.c support/cc_world.c support/synthetic_encoder.c support/tcp_flow.c support/figures.c ARGS 3 3) # FIRST_SEED COUNT
wlk_sim(sim_sound SOURCES sim/sound.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c ARGS 1) # SEED

# Minutes of whole calls with codecs: too slow for sanitizers, under which sim_raw, sim_media and sim_tracks do the like for seconds.
if(NOT WLK_SANITIZE)
	wlk_sim(sim_loss SOURCES sim/loss.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c ARGS 1 1) # FIRST_SEED COUNT; 1 16 is the whole
	wlk_sim(sim_playout SOURCES sim/playout.c sim/raw_call.c support/film.c support/picture_quality.c support/sound.c ARGS 1 1 30) # SEED CYCLES SECONDS; 1 25 600 is the whole
	wlk_sim(sim_rates SOURCES sim/rates.c sim/rates_call.c support/bottleneck.c support/synthetic_encoder.c support/tcp_flow.c support/figures.c
		support/sound.c ARGS 1 1 flat fall rise data data-first reports limits) # FIRST_SEED COUNT SCENARIOS
	foreach(name loss playout rates)
		set_tests_properties(sim_${name} PROPERTIES LABELS "sim;release")
		list(APPEND WLK_RELEASE_TESTS sim_${name})
	endforeach()
endif()

if(WLK_BUILD_APPS) # which also find jansson
	wlk_sim(sim_statistics SOURCES sim/statistics.c sim/statistics_list.c)
	target_link_libraries(sim_statistics PRIVATE PkgConfig::JANSSON)
	# The same faulty module in the program that is recorded and in one that replays. REPLAY FAULTY_REPLAY FIRST_SEED COUNT
	set(fault -Wl,--wrap=media_engine_input_rtp)
	add_executable(wirelark-replay-faulty ${WLK_REPLAY_SOURCES} support/planted_fault.c)
	target_link_libraries(wirelark-replay-faulty PRIVATE wlk_flags PkgConfig::OPENSSL PkgConfig::OPUS PkgConfig::VPX Threads::Threads m)
	target_link_options(wirelark-replay-faulty PRIVATE ${fault})
	wlk_sim(sim_recordings SOURCES sim/recordings.c support/planted_fault.c ARGS $<TARGET_FILE:wirelark-replay>
		$<TARGET_FILE:wirelark-replay-faulty> 1 12)
	target_link_options(sim_recordings PRIVATE ${fault} -Wl,--wrap=dtls_transport_export_srtp)
	add_dependencies(sim_recordings wirelark-replay wirelark-replay-faulty)
	foreach(name parameters dtmf errors direct rid_limits raw_layers) # layers, tones, preferences; calls that fail
		add_test(NAME sim_${name}_replayed COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/sim/replayed.sh" $<TARGET_FILE:sim_${name}>
			$<TARGET_FILE:wirelark-replay>)
		set_tests_properties(sim_${name}_replayed PROPERTIES LABELS sim TIMEOUT 300)
	endforeach()
endif()

if(NOT WLK_SANITIZE AND NOT WLK_FUZZ)
	# Replaces malloc(), which a sanitizer does itself. CRASHES POINTS SWEEP; a test for each sweep, so that they run side by side
	set(crashes ${CMAKE_CURRENT_SOURCE_DIR}/sim/foreign_crashes.txt)
	wlk_sim(sim_foreign_oom SOURCES sim/foreign_oom.c sim/foreign_heap.c ARGS ${crashes} 2000 usrsctp)
	add_test(NAME sim_foreign_oom_nss COMMAND sim_foreign_oom ${crashes} 2000 nss)
	add_test(NAME sim_foreign_oom_nss_start COMMAND sim_foreign_oom ${crashes} 500 nss-start)
	foreach(name sim_foreign_oom sim_foreign_oom_nss sim_foreign_oom_nss_start)
		set_tests_properties(${name} PROPERTIES LABELS "sim;release" TIMEOUT 900 COST 100)
	endforeach()
	list(APPEND WLK_RELEASE_TESTS sim_foreign_oom)
endif()
