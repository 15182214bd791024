# The package: sources, compiled by whoever links them with flags of his own, because the port is part of every inline function.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/quire)

install(DIRECTORY ${CMAKE_SOURCE_DIR}/quire DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/quire DESTINATION ${CMAKE_INSTALL_DATADIR}/quire FILES_MATCHING PATTERN "*.cpp")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/ports DESTINATION ${CMAKE_INSTALL_DATADIR}/quire)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/docs/porting.md DESTINATION ${CMAKE_INSTALL_DATADIR}/quire)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/cmake/no-port DESTINATION ${CMAKE_INSTALL_DATADIR}/quire)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/quire-config.cmake.in ${CMAKE_BINARY_DIR}/quire-config.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/quire-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_BINARY_DIR}/quire-config.cmake ${CMAKE_BINARY_DIR}/quire-config-version.cmake DESTINATION ${package})
