wlk_unit_test(peer_signaling SOURCES unit/peer_signaling.c ../peer/signaling.c MODULES core)
wlk_unit_test(peer_demux SOURCES unit/peer_demux.c MODULES core)
wlk_unit_test(peer_candidate_info SOURCES unit/peer_candidate_info.c ../peer/candidate_info.c MODULES ice core)
wlk_fuzz_target(peer_input MODULES peer ice dtls srtp sctp sdp media core LINK m)
