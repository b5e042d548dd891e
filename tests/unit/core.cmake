foreach(name addr alloc bytes crypto dgram_queue event_queue heap list log pktbuf rand seq text time)
	wlk_unit_test(core_${name} SOURCES unit/core_${name}.c MODULES core)
endforeach()
wlk_unit_test(picture_quality SOURCES unit/picture_quality.c support/picture_quality.c MODULES core LINK m)
wlk_unit_test(bench_content SOURCES unit/bench_content.c ../apps/bench/media/content.c support/picture_quality.c support/sound.c
	MODULES core LINK m)
