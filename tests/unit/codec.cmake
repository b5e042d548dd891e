foreach(name
	audio
	bitstream
	convert
	frame
	g711
	g722
	opus
	resample
	rtp
	scalability
	video
)
	wlk_unit_test(codec_${name} SOURCES unit/codec_${name}.c support/picture.c support/picture_quality.c support/tone.c MODULES media core)
endforeach()
wlk_unit_test(peer_codec_set SOURCES unit/peer_codec_set.c support/picture.c support/picture_quality.c support/tone.c
	MODULES peer ice dtls srtp sctp sdp media core)
if(TARGET PkgConfig::OPENH264)
	wlk_unit_test(openh264 SOURCES unit/openh264.c support/picture.c support/picture_quality.c support/tone.c
		../apps/openh264/decoder.c ../apps/openh264/encoder.c ../apps/openh264/plugin.c
		MODULES peer ice dtls srtp sctp sdp media core LINK PkgConfig::OPENH264)
endif()
wlk_fuzz_target(video_decode MODULES media core)
wlk_fuzz_target(codec_peek MODULES media core)
wlk_fuzz_target(audio_decode MODULES media core)
