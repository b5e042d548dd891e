# Wire formats of ice/: STUN messages, candidate lines, mDNS.
wlk_unit_test(ice_stun_msg SOURCES unit/ice_stun_msg.c MODULES ice core)
wlk_unit_test(ice_candidate SOURCES unit/ice_candidate.c MODULES ice core)
wlk_unit_test(ice_mdns_msg SOURCES unit/ice_mdns_msg.c MODULES ice core)
wlk_unit_test(ice_mdns SOURCES unit/ice_mdns.c MODULES ice core)
wlk_fuzz_target(stun_message MODULES ice core MAX_LEN 2048)
wlk_fuzz_target(candidate_line MODULES ice core MAX_LEN 600)
wlk_fuzz_target(mdns_response MODULES ice core MAX_LEN 2048)
