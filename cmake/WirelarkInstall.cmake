# cmake --install: headers, both libraries, pkg-config and CMake package files.
install(TARGETS wirelark_shared wirelark_static EXPORT WirelarkTargets
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/wirelark DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT WirelarkTargets NAMESPACE Wirelark:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Wirelark)
configure_package_config_file(cmake/WirelarkConfig.cmake.in WirelarkConfig.cmake
	INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Wirelark)
write_basic_package_version_file(WirelarkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/WirelarkConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/WirelarkConfigVersion.cmake"
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Wirelark)
# Relative, so that an installed tree may be moved.
file(RELATIVE_PATH WLK_PC_INCLUDE "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p/${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(cmake/wirelark.pc.in wirelark.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/wirelark.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET wirelark-echo)
	install(TARGETS wirelark-echo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
