wlk_unit_test(dtls_transport SOURCES unit/dtls_transport.c unit/dtls_pair.c MODULES dtls core)
