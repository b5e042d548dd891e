# Real sockets and threads: whole loops on loopback.
function(wlk_net_program name source)
	wlk_compile_once(shared ${ARGN})
	add_executable(${name} ${source} ${shared})
	target_link_libraries(${name} PRIVATE Wirelark::wirelark_static wlk_test_flags PkgConfig::CMOCKA PkgConfig::OPENSSL PkgConfig::SRTP
		PkgConfig::USRSCTP PkgConfig::OPUS PkgConfig::VPX Threads::Threads m)
endfunction()

wlk_net_program(net_two_loops net/two_loops.c)
add_test(NAME net_two_loops COMMAND net_two_loops)
set_tests_properties(net_two_loops PROPERTIES LABELS "net;threads" TIMEOUT 300)

wlk_net_program(net_tcp_call net/tcp_call.c)
add_test(NAME net_tcp_call COMMAND net_tcp_call)
set_tests_properties(net_tcp_call PROPERTIES LABELS net TIMEOUT 300)

wlk_net_program(net_local_names net/local_names.c)
add_test(NAME net_local_names COMMAND net_local_names)
set_tests_properties(net_local_names PROPERTIES LABELS net TIMEOUT 60)

wlk_net_program(net_turn_on_shared_port net/turn_on_shared_port.c support/turn_server.c)
add_test(NAME net_turn_on_shared_port COMMAND net_turn_on_shared_port)
set_tests_properties(net_turn_on_shared_port PROPERTIES LABELS net TIMEOUT 120)

# Without sanitizers as many as the README promises; with them every session costs a multiple.
if(WLK_SANITIZE)
	set(mux_sessions 300)
else()
	set(mux_sessions 1000)
endif()
wlk_net_program(net_mux_sessions net/mux_sessions.c)
foreach(transport udp tcp)
	add_test(NAME net_mux_sessions_${transport} COMMAND net_mux_sessions ${transport} ${mux_sessions})
	set_tests_properties(net_mux_sessions_${transport} PROPERTIES LABELS "net;threads" TIMEOUT 300)
endforeach()

# What the TSan build has to build: all that carries the label "threads".
add_custom_target(thread-tests DEPENDS net_two_loops net_mux_sessions test_sctp_stack ${WLK_THREAD_TESTS})

# What net/lab is made of: a wire between two network namespaces, and the ends of calls.
add_executable(net-relay-call net/relay_call.c)
target_link_libraries(net-relay-call PRIVATE Wirelark::wirelark wlk_flags)
add_executable(net-link net/link.c)
target_link_libraries(net-link PRIVATE wlk_flags)
if(WLK_BUILD_APPS)
	add_executable(net-peer net/peer.c)
	target_link_libraries(net-peer PRIVATE Wirelark::wirelark PkgConfig::JANSSON wlk_flags Threads::Threads)
endif()
