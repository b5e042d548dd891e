wlk_unit_test(srtp_gcm SOURCES unit/srtp_gcm.c MODULES srtp core)
wlk_unit_test(srtp_keys SOURCES unit/srtp_keys.c unit/srtp_reference.c MODULES srtp core LINK PkgConfig::OPENSSL)
wlk_unit_test(srtp_session SOURCES unit/srtp_session.c unit/srtp_reference.c MODULES srtp core LINK PkgConfig::OPENSSL)
wlk_fuzz_target(srtp_unprotect MODULES srtp core)
