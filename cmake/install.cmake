# What is installed besides programs and libraries, and the packages that CPack makes of it:
# programs, library, development, python. What names no component belongs to the programs.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME programs)
# Debian's folder for this architecture, whatever the prefix: its loader, pkg-config and CMake
# look there under /usr/local too.
if(EXISTS /etc/debian_version AND CMAKE_LIBRARY_ARCHITECTURE AND NOT DEFINED CMAKE_INSTALL_LIBDIR)
	set(CMAKE_INSTALL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE} CACHE PATH "Where libraries go, under the prefix")
endif()
include(GNUInstallDirs)

file(GLOB documents ${PROJECT_SOURCE_DIR}/docs/*.md ${PROJECT_SOURCE_DIR}/docs/*.svg)
install(FILES README.md CHANGELOG.md CONTRIBUTING.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES examples/program.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT development)
install(FILES docs/man/vcpflash.1 docs/man/vcpflash-sim.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# bash and fish look for a file by the name of the program.
foreach(program vcpflash vcpflash-sim)
	install(FILES completions/vcpflash.bash RENAME ${program}
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
	install(FILES completions/vcpflash.fish RENAME ${program}.fish
		DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
# Debian's zsh has a folder of its own for what packages bring.
install(CODE [[
	set(zsh_folder site-functions)
	if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
		set(zsh_folder vendor-completions)
	endif()
]])
install(FILES completions/_vcpflash DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/\${zsh_folder})

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL programs library development python)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)
# Whoever makes a package answers for it, and says who that is as to Debian's own tools.
set(contact "the vcpflash authors <vcpflash@localhost>")
if(NOT "$ENV{DEBEMAIL}" STREQUAL "")
	set(contact "$ENV{DEBEMAIL}")
	if(NOT contact MATCHES "<" AND NOT "$ENV{DEBFULLNAME}" STREQUAL "")
		set(contact "$ENV{DEBFULLNAME} <${contact}>")
	endif()
endif()
set(VCPFLASH_CONTACT "${contact}" CACHE STRING "Maintainer in the packages: Name <address>")
set(CPACK_PACKAGE_CONTACT "${VCPFLASH_CONTACT}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(soname ${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME vcpflash)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION electronics)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/io/debian/postinst")
set(CPACK_DEBIAN_PROGRAMS_DESCRIPTION
"Programs a board's serial NOR flash over its USB or UART serial port, without
a debug probe; only what differs, and all of it read back. With a simulator
of boards and flash chips.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libvcpflash${soname})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
configure_file(client/debian/shlibs.in debian/shlibs @ONLY)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
	"${PROJECT_SOURCE_DIR}/client/debian/triggers;${PROJECT_BINARY_DIR}/debian/shlibs")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
"The shared library: what the command does, by calls.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libvcpflash-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
	"libvcpflash${soname} (= ${PROJECT_VERSION}-1), libserialport-dev, libtelnet-dev, libdeflate-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
"Header, static library, pkg-config file and CMake package of libvcpflash.")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-vcpflash)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "libvcpflash${soname} (>= ${PROJECT_VERSION}), python3:any (>= 3.9)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
	"${PROJECT_SOURCE_DIR}/python/debian/postinst;${PROJECT_SOURCE_DIR}/python/debian/prerm")
set(CPACK_DEBIAN_PYTHON_DESCRIPTION
"The Python module: programs boards from scripts, several at once.")

include(CPack)
