# How every target of this project is compiled, and the helpers that the folders call.

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Asserts guard our invariants in every build.
foreach(flags CMAKE_C_FLAGS_RELEASE CMAKE_C_FLAGS_RELWITHDEBINFO CMAKE_C_FLAGS_MINSIZEREL)
	string(REPLACE "-DNDEBUG" "" ${flags} "${${flags}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

add_library(wlk_flags INTERFACE)
target_compile_definitions(wlk_flags INTERFACE _GNU_SOURCE)
target_compile_options(wlk_flags INTERFACE
	-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2
	-Wno-missing-field-initializers -Werror -fstack-protector-strong -g)
target_include_directories(wlk_flags INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_link_options(wlk_flags INTERFACE -Wl,-z,relro,-z,now)

option(WLK_WERROR "Treat warnings as errors" ON)

if(WLK_SANITIZE)
	target_compile_options(wlk_flags INTERFACE -fsanitize=${WLK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(wlk_flags INTERFACE -fsanitize=${WLK_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
	target_compile_options(wlk_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(WLK_FUZZ)
	target_compile_options(wlk_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

set_property(GLOBAL PROPERTY WLK_MODULES "")

# wlk_module(<name> SOURCES <files> [LINK <foreign libraries>])
# One folder of the library: an object library that knows only its own foreign headers, so that the compiler
# already refuses a sideways #include of somebody else's library.
function(wlk_module name)
	cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
	if(arg_SOURCES)
		add_library(wlk_${name} OBJECT ${arg_SOURCES})
		target_link_libraries(wlk_${name} PUBLIC wlk_flags ${arg_LINK})
	else()
		add_library(wlk_${name} INTERFACE)
		target_link_libraries(wlk_${name} INTERFACE wlk_flags ${arg_LINK})
	endif()
	set_property(GLOBAL APPEND PROPERTY WLK_MODULES wlk_${name})
endfunction()

# wlk_unit_test(<name> SOURCES <files> MODULES <folders> [LINK <libs>] [LABELS <labels>])
# A cmocka program "test_<name>" linked with just the modules under test.
function(wlk_unit_test name)
	cmake_parse_arguments(arg "" "" "SOURCES;MODULES;LINK;LABELS;ARGS" ${ARGN})
	add_executable(test_${name} ${arg_SOURCES})
	foreach(module ${arg_MODULES})
		target_link_libraries(test_${name} PRIVATE wlk_${module})
		get_target_property(type wlk_${module} TYPE)
		if(type STREQUAL "OBJECT_LIBRARY")
			target_sources(test_${name} PRIVATE $<TARGET_OBJECTS:wlk_${module}>)
		endif()
	endforeach()
	target_link_libraries(test_${name} PRIVATE wlk_flags PkgConfig::CMOCKA Threads::Threads ${arg_LINK})
	target_compile_definitions(test_${name} PRIVATE WLK_VECTORS="${PROJECT_SOURCE_DIR}/tests/vectors"
		WLK_FUZZ_CORPUS="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus")
	add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS})
	set_tests_properties(${name} PROPERTIES LABELS "unit;${arg_LABELS}" TIMEOUT 300)
endfunction()

# wlk_fuzz_target(<name> MODULES <folders> [MAX_LEN <bytes>] [LINK <libs>])
# tests/fuzz/fuzz_<name>.c defines LLVMFuzzerTestOneInput. With WLK_FUZZ it is a libFuzzer program; always it is
# "replay_<name>", which runs the corpus in tests/fuzz/corpus/<name>/ as a ctest.
function(wlk_fuzz_target name)
	cmake_parse_arguments(arg "" "MAX_LEN" "MODULES;LINK;SOURCES" ${ARGN})
	set(objects "")
	set(links wlk_flags Threads::Threads ${arg_LINK})
	foreach(module ${arg_MODULES})
		list(APPEND links wlk_${module})
		get_target_property(type wlk_${module} TYPE)
		if(type STREQUAL "OBJECT_LIBRARY")
			list(APPEND objects $<TARGET_OBJECTS:wlk_${module}>)
		endif()
	endforeach()
	set(source "${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c")
	if(WLK_FUZZ)
		add_executable(fuzz_${name} ${source} ${arg_SOURCES} ${objects})
		target_link_libraries(fuzz_${name} PRIVATE ${links})
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
	endif()
	add_executable(replay_${name} ${source} ${arg_SOURCES} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c" ${objects})
	target_link_libraries(replay_${name} PRIVATE ${links})
	if(WLK_FUZZ)
		target_link_options(replay_${name} PRIVATE -fsanitize=fuzzer-no-link)
	endif()
	add_test(NAME fuzz_replay_${name} COMMAND replay_${name} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
	set_tests_properties(fuzz_replay_${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# The shared and the static library out of all module objects.
function(wlk_add_library)
	get_property(modules GLOBAL PROPERTY WLK_MODULES)
	set(objects "")
	foreach(module ${modules})
		get_target_property(type ${module} TYPE)
		if(type STREQUAL "OBJECT_LIBRARY")
			list(APPEND objects $<TARGET_OBJECTS:${module}>)
		endif()
	endforeach()
	foreach(kind SHARED STATIC)
		string(TOLOWER ${kind} suffix)
		add_library(wirelark_${suffix} ${kind} ${objects})
		target_include_directories(wirelark_${suffix} PUBLIC
			$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
		target_link_libraries(wirelark_${suffix} PRIVATE $<BUILD_INTERFACE:wlk_flags> $<BUILD_INTERFACE:PkgConfig::OPENSSL>
			$<BUILD_INTERFACE:PkgConfig::SRTP> $<BUILD_INTERFACE:PkgConfig::USRSCTP> $<BUILD_INTERFACE:PkgConfig::OPUS>
			$<BUILD_INTERFACE:PkgConfig::VPX> $<BUILD_INTERFACE:Threads::Threads> $<BUILD_INTERFACE:m>)
		set_target_properties(wirelark_${suffix} PROPERTIES OUTPUT_NAME wirelark VERSION ${PROJECT_VERSION}
			SOVERSION ${PROJECT_VERSION_MAJOR})
	endforeach()
	set_target_properties(wirelark_shared PROPERTIES EXPORT_NAME wirelark)
	add_library(Wirelark::wirelark ALIAS wirelark_shared)
	add_library(Wirelark::wirelark_static ALIAS wirelark_static)
endfunction()
