# The parts of wirelark-call that need neither a far end nor a device.
set(call "${PROJECT_SOURCE_DIR}/apps/call")

if(TARGET wirelark-call)
	wlk_unit_test(call_layout SOURCES unit/call_layout.c ${call}/layout.c)
	wlk_unit_test(call_options SOURCES unit/call_options.c ${call}/options.c)
	wlk_unit_test(call_picture SOURCES unit/call_picture.c ${call}/picture.c)
	wlk_unit_test(call_sound SOURCES unit/call_sound.c ${call}/sound.c LINK m)
	wlk_unit_test(call_camera_format SOURCES unit/call_camera_format.c ${call}/camera_format.c LINK m)
	wlk_unit_test(call_signal SOURCES unit/call_signal.c ${call}/signal.c ${call}/interrupt.c LINK Wirelark::wirelark PkgConfig::CURL
		PkgConfig::JANSSON)
	# A driver that the test plays: the linker sends what camera.c asks the kernel through it.
	wlk_unit_test(call_camera SOURCES unit/call_camera.c ${call}/camera.c ${call}/camera_modes.c ${call}/camera_format.c
		LINK m -Wl,--wrap=open,--wrap=ioctl,--wrap=access)
	if(TARGET PkgConfig::SDL2)
		wlk_unit_test(call_window SOURCES unit/call_window.c ${call}/window.c ${call}/layout.c LINK PkgConfig::SDL2)
		set_tests_properties(call_window PROPERTIES ENVIRONMENT "SDL_VIDEODRIVER=dummy;SDL_RENDER_DRIVER=software")
	endif()
endif()
