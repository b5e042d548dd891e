# Attacks on the running echo peer, on loopback only.
add_test(NAME attack_http COMMAND python3 "${CMAKE_CURRENT_SOURCE_DIR}/attack/http.py" $<TARGET_FILE:wirelark-echo>
	"${CMAKE_CURRENT_SOURCE_DIR}/vectors")
set_tests_properties(attack_http PROPERTIES LABELS attack TIMEOUT 240 RUN_SERIAL ON)
