foreach(name
	convert
	frame
	g711
	g722
	resample
	scalability
)
	wlk_unit_test(codec_${name} SOURCES unit/codec_${name}.c support/picture.c support/tone.c MODULES media core)
endforeach()
