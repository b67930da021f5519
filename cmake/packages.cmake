# What `cmake --install` puts where, and the Debian package of the same.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS strop RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS strop_library EXPORT strop_targets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY plugin/include/strop DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES LICENSE cmake/copyright docs/library.md docs/options.md
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# find_package(strop) gives strop::strop. The library needs nothing that its users would have to
# find, so that the exported targets are all there is to say.
set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/strop")
install(EXPORT strop_targets NAMESPACE strop:: FILE strop-config.cmake
  DESTINATION "${package_directory}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/strop-config-version.cmake"
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may change the interface
install(FILES "${CMAKE_BINARY_DIR}/strop-config-version.cmake"
  DESTINATION "${package_directory}")

# Told by where strop.pc lies, so that the whole can be moved.
file(RELATIVE_PATH prefix_from_pkgconfig "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
configure_file(cmake/strop.pc.in strop.pc @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/strop.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# One package, not Debian's usual three: its parts are of one version and change together, none is
# of use to another package yet, and a single file is what people can fetch, install and remove.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME strop)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The maintainers of Strop <strop@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
  "Takes any ONNX model, trains it on an ordinary CPU, and gives back the same file with better
weights: the program strop, and libstrop for C and C++.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)  # smaller and faster than gzip; Debian 12 reads it
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")  # before 1.0, as above
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gnuplot-nox | gnuplot")  # for pictures of `strop landscape` alone
include(CPack)
