# libvcpflash, shared and static, out of the rooms that it consists of; its pkg-config
# file and its CMake package.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(rooms wire image host io client)
set(objects)
set(modules) # Debian's libraries behind the rooms, as pkg-config calls them
foreach(room IN LISTS rooms)
	list(APPEND objects $<TARGET_OBJECTS:vf_${room}>)
	get_target_property(links vf_${room} LINK_LIBRARIES)
	foreach(link IN LISTS links)
		if(link MATCHES "^PkgConfig::(.*)$")
			list(APPEND modules ${${CMAKE_MATCH_1}_MODULE_NAME})
			list(APPEND imported ${CMAKE_MATCH_1})
		endif()
	endforeach()
endforeach()
list(REMOVE_DUPLICATES modules)
set(static_modules ${modules})
if("libtelnet" IN_LIST modules) # whose own file does not say what it needs when it is linked statically
	list(APPEND static_modules zlib)
endif()
list(REMOVE_DUPLICATES imported)
foreach(name IN LISTS imported)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${${name}_MODULE_NAME})
endforeach()

add_library(libvcpflash SHARED ${objects})
set_target_properties(libvcpflash PROPERTIES OUTPUT_NAME vcpflash VERSION ${PROJECT_VERSION}
	SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME vcpflash LINKER_LANGUAGE C
	LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/libvcpflash.map)
target_include_directories(libvcpflash INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_options(libvcpflash PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/libvcpflash.map)
if(NOT VCPFLASH_SANITIZE AND NOT VCPFLASH_COVERAGE)
	target_link_options(libvcpflash PRIVATE -Wl,--no-undefined)
endif()
foreach(name IN LISTS imported)
	target_link_libraries(libvcpflash PRIVATE PkgConfig::${name})
endforeach()

add_library(libvcpflash_static STATIC ${objects})
set_target_properties(libvcpflash_static PROPERTIES OUTPUT_NAME vcpflash LINKER_LANGUAGE C)

install(TARGETS libvcpflash EXPORT vcpflash
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS libvcpflash_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/include/vcpflash/vcpflash.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vcpflash COMPONENT development)

# By its own place, so that what was installed may be moved.
file(RELATIVE_PATH VCPFLASH_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" VCPFLASH_PREFIX ${VCPFLASH_PREFIX})
list(JOIN static_modules " " VCPFLASH_MODULES)
configure_file(vcpflash.pc.in vcpflash.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vcpflash.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/vcpflash)
configure_package_config_file(vcpflashConfig.cmake.in vcpflashConfig.cmake INSTALL_DESTINATION ${folder}
	PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(vcpflashConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT vcpflash NAMESPACE vcpflash:: FILE vcpflashTargets.cmake DESTINATION ${folder} COMPONENT development)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vcpflashConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/vcpflashConfigVersion.cmake
	DESTINATION ${folder} COMPONENT development)
