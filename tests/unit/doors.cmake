# The doors, each with no more of the library than it needs.
wlk_unit_test(doors_ice SOURCES unit/doors_ice.c ../doors/ice.c ../peer/ice_settings.c ../peer/drive_types.c MODULES ice core)
wlk_unit_test(doors_dtls SOURCES unit/doors_dtls.c ../doors/dtls.c ../peer/certificate.c ../srtp/keys.c MODULES dtls core)
wlk_unit_test(doors_srtp SOURCES unit/doors_srtp.c ../doors/srtp.c MODULES srtp core)
wlk_unit_test(doors_sctp SOURCES unit/doors_sctp.c ../doors/sctp.c ../peer/channel_config.c support/sctp_pair.c MODULES sctp core)
