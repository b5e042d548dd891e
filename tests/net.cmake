# Real sockets and threads: whole loops on loopback.
add_executable(net_two_loops net/two_loops.c)
target_link_libraries(net_two_loops PRIVATE Wirelark::wirelark_static wlk_flags PkgConfig::CMOCKA PkgConfig::OPENSSL PkgConfig::SRTP
	PkgConfig::USRSCTP PkgConfig::OPUS PkgConfig::VPX Threads::Threads m)
add_test(NAME net_two_loops COMMAND net_two_loops)
set_tests_properties(net_two_loops PROPERTIES LABELS "net;threads" TIMEOUT 300)
# What the TSan build has to build.
add_custom_target(thread-tests DEPENDS net_two_loops test_net_driver test_net_loop test_net_mailbox test_net_poller test_net_resolve
	test_net_timers test_net_udp test_net_ifaddrs test_sctp_stack)
