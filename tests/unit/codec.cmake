foreach(name
	frame
	scalability
)
	wlk_unit_test(codec_${name} SOURCES unit/codec_${name}.c support/picture.c MODULES media core LINK m)
endforeach()
