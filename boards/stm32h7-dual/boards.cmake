# What the boards with a dual-core STM32H7 are built of. A board's folder holds board.h and
# wiring.c; everything else is here.
set(VF_H7_FOLDER ${CMAKE_CURRENT_LIST_DIR})

set(H747_WAIT_MS 300 CACHE STRING "How long the loaders of the H7 boards wait for a host before they start the application")
set(H747_USB_WAIT_MS 2000 CACHE STRING "The same where a USB host has been seen since the reset")
set(VF_USB_VENDOR 0x1209 CACHE STRING "USB vendor id of the boards; the default is for testing only")
set(VF_USB_PRODUCT 0x0001 CACHE STRING "USB product id of the boards; the default is for testing only")

# h747_address(VARIABLE NAME): the value of NAME in layout.h, for linker scripts.
function(h747_address out name)
	set(header ${VF_H7_FOLDER}/layout.h)
	file(STRINGS ${header} line REGEX "^#define ${name} +0x[0-9A-F]+$")
	if(NOT line)
		message(FATAL_ERROR "layout.h does not define ${name}")
	endif()
	string(REGEX REPLACE ".* (0x[0-9A-F]+)$" "\\1" value "${line}")
	set(${out} ${value} PARENT_SCOPE)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
endfunction()

set(VF_KEY_FILE "" CACHE FILEPATH "Key of the boards (docs/SECURITY.md): makes PREFIX-keyed.hex too, loaders that ask for it")

# vf_h7_loader(NAME SOURCE...): a loader of the board in this folder.
function(vf_h7_loader name)
	set(sources start.c main.c boot.c policy.c vectors.c m4.c m4_start.c m4_trampoline.S clocks.c memory.c uart.c
		baud.c usb.c qspi.c copier.c internal.c)
	list(TRANSFORM sources PREPEND ${VF_H7_FOLDER}/)
	h747_address(origin H747_LOADER_ADDRESS)
	# ITCM has room, and digests take the processor's time.
	vf_firmware(${name} CPU cortex-m7 OPTIMISE -O2 LINKER ${VF_H7_FOLDER}/m7.ld SOURCES ${sources} wiring.c ${ARGN}
		DEFINES H747_WAIT_MS=${H747_WAIT_MS} H747_USB_WAIT_MS=${H747_USB_WAIT_MS}
			VF_USB_VENDOR=${VF_USB_VENDOR} VF_USB_PRODUCT=${VF_USB_PRODUCT}
		OPTIONS -I${VF_H7_FOLDER} -fno-delete-null-pointer-checks LINK_OPTIONS -Wl,--defsym,origin=${origin})
endfunction()

# vf_h7_disco(NAME PREFIX LOADER): a loader and the board's stub in NAME.hex, to be dropped on the
# ST-LINK's drive of a new board.
function(vf_h7_disco name prefix loader)
	set(loader ${VCPFLASH_FIRMWARE_DIR}/${loader}.hex)
	set(stub ${VCPFLASH_FIRMWARE_DIR}/${prefix}-m4-stub.hex)
	set(merged ${VCPFLASH_FIRMWARE_DIR}/${name}.hex)
	add_custom_command(OUTPUT ${merged}
		COMMAND vcpflash merge ${loader} ${stub} -o ${merged}
		DEPENDS vcpflash ${loader} ${stub}
		COMMENT "Merging ${name}.hex" VERBATIM)
	add_custom_target(firmware_${name} ALL DEPENDS ${merged})
endfunction()

# vf_h7_keyed(NAME FILE): the same loader with the key in FILE. Nothing of it is installed.
function(vf_h7_keyed name file)
	set(bytes ${VCPFLASH_FIRMWARE_DIR}/obj/${name}/key_bytes.c)
	add_custom_command(OUTPUT ${bytes}
		COMMAND ${CMAKE_COMMAND} -DKEY=${file} -DOUT=${bytes} -P ${VF_H7_FOLDER}/key.cmake
		DEPENDS ${file} ${VF_H7_FOLDER}/key.cmake
		COMMENT "Taking the key of ${name} from ${file}" VERBATIM)
	vf_h7_loader(${name} ${VF_H7_FOLDER}/key.c ${VF_H7_FOLDER}/entropy.c ${bytes})
endfunction()

# vf_h7_board(PREFIX): PREFIX-loader, PREFIX-m4-stub, and both in PREFIX-disco.hex; with a
# key file PREFIX-keyed-loader and PREFIX-keyed.hex too.
function(vf_h7_board prefix)
	vf_h7_loader(${prefix}-loader ${VF_H7_FOLDER}/no_key.c)
	h747_address(origin H747_STUB_ADDRESS)
	vf_firmware(${prefix}-m4-stub CPU cortex-m4 PLAIN LINKER ${VF_H7_FOLDER}/m4_stub.ld
		SOURCES ${VF_H7_FOLDER}/m4_stub.S OPTIONS -I${VF_H7_FOLDER}
		LINK_OPTIONS -nostdlib -Wl,--defsym,origin=${origin})
	if(NOT VF_FIRMWARE)
		return()
	endif()
	vf_h7_disco(${prefix}-disco ${prefix} ${prefix}-loader)
	if(VF_KEY_FILE)
		vf_h7_keyed(${prefix}-keyed-loader ${VF_KEY_FILE})
		vf_h7_disco(${prefix}-keyed ${prefix} ${prefix}-keyed-loader)
	endif()
	if(VCPFLASH_TESTS) # a key that is no secret
		set(key ${VCPFLASH_FIRMWARE_DIR}/${prefix}-tried.key)
		string(SHA256 digits "a key for tests, which everybody knows")
		file(GENERATE OUTPUT ${key} CONTENT "${digits}\n")
		vf_h7_keyed(${prefix}-tried-key-loader ${key})
	endif()
	# Where an installed vcpflash-sim --board looks for them.
	install(FILES ${VCPFLASH_FIRMWARE_DIR}/${prefix}-disco.hex ${VCPFLASH_FIRMWARE_DIR}/${prefix}-loader.hex
		${VCPFLASH_FIRMWARE_DIR}/${prefix}-m4-stub.hex DESTINATION share/vcpflash/firmware)
endfunction()
