# What net/ needs of peer/ beside what the fake has: recordings.
set(recorder ${PROJECT_SOURCE_DIR}/peer/record.c ${PROJECT_SOURCE_DIR}/peer/record_secret.c ${PROJECT_SOURCE_DIR}/peer/record_format.c
	${PROJECT_SOURCE_DIR}/peer/version.c)
foreach(name driver hash ifaddrs loop mailbox mux mux_tcp netmon poller port resolve stun_peek timers udp worker)
	wlk_unit_test(net_${name} SOURCES unit/net_${name}.c support/fake_peer.c ${recorder} MODULES net media core LABELS threads)
	list(APPEND WLK_THREAD_TESTS test_net_${name})
endforeach()

# System calls that fail on demand: the linker sends them through the test.
set(faults socket bind listen getsockname setsockopt sendmmsg recvmmsg epoll_create1 epoll_ctl epoll_wait eventfd timerfd_create
	getifaddrs pthread_create)
list(TRANSFORM faults PREPEND "-Wl,--wrap=")
wlk_unit_test(net_faults SOURCES unit/net_faults.c support/fake_peer.c ${recorder} MODULES net media core LINK ${faults})

wlk_unit_test(net_recording SOURCES unit/net_recording.c support/fake_peer.c ${recorder} MODULES net media core LINK -Wl,--wrap=fallocate)
wlk_unit_test(net_audio_sink SOURCES unit/net_audio_sink.c ../net/audio_sink.c ../net/clock.c ../peer/codec_set.c ../peer/codec_plugin.c ../peer/codec_builtin.c MODULES media core)

foreach(name tcp tls)
	wlk_unit_test(net_${name} SOURCES unit/net_${name}.c support/fake_peer.c ${recorder} MODULES net media core)
endforeach()

wlk_fuzz_target(stun_peek MODULES net media ice core SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/support/fake_peer.c" ${recorder} MAX_LEN 600)
