# What only Debian wants of a package, done to what is about to be packed: each has the licence,
# the changes and examples under its own name, and manual pages are compressed.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component programs library development python)
	string(TOUPPER ${component} upper)
	set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}/usr)
	set(folder ${root}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
	get_filename_component(top ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
	file(MAKE_DIRECTORY ${folder})
	file(COPY_FILE ${top}/LICENSE ${folder}/copyright)
	file(COPY_FILE ${top}/CHANGELOG.md ${folder}/changelog)
	file(WRITE ${folder}/changelog.Debian "vcpflash (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) "
		"unstable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
	file(REMOVE ${folder}/LICENSE ${folder}/CHANGELOG.md)
	if(component STREQUAL "programs") # README links to what bears Debian's name here
		file(READ ${folder}/README.md text)
		string(REPLACE "[CHANGELOG.md](CHANGELOG.md)" "[changelog.gz](changelog.gz)" text "${text}")
		file(WRITE ${folder}/README.md "${text}")
	endif()
	if(component STREQUAL "development")
		file(RENAME ${root}/share/doc/vcpflash/examples ${folder}/examples)
		file(REMOVE_RECURSE ${root}/share/doc/vcpflash)
	endif()
	file(GLOB pages ${root}/share/man/*/*)
	execute_process(COMMAND gzip -9n ${folder}/changelog ${folder}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)
	file(CHMOD ${folder}/copyright ${folder}/changelog.gz ${folder}/changelog.Debian.gz
		PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()
