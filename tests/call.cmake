# wirelark-call as a whole: from files to files, how it ends, and its window on a screen of Xvfb.
if(TARGET wirelark-call)
	set(folder "${CMAKE_CURRENT_SOURCE_DIR}/call")
	foreach(name files endings)
		add_test(NAME call_${name} COMMAND /usr/bin/python3 ${folder}/${name}.py $<TARGET_FILE:wirelark-call> $<TARGET_FILE:wirelark-echo>)
		set_tests_properties(call_${name} PROPERTIES LABELS apps TIMEOUT 240)
	endforeach()
	# With sanitizers too few pictures come on a machine that runs other tests beside this one.
	if(TARGET PkgConfig::SDL2 AND NOT WLK_SANITIZE)
		add_test(NAME call_on_screen COMMAND /usr/bin/python3 ${folder}/on_screen.py $<TARGET_FILE:wirelark-call> $<TARGET_FILE:wirelark-echo>)
		set_tests_properties(call_on_screen PROPERTIES LABELS "apps;release" TIMEOUT 240)
	endif()
endif()
