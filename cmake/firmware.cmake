# Firmware for Cortex-M boards, built beside the programs for the PC where the cross
# compiler is there. Everything lands in VCPFLASH_FIRMWARE_DIR (build/firmware).

option(VCPFLASH_FIRMWARE "Build the firmware of boards/ too (needs arm-none-eabi-gcc and newlib)" OFF)
set(VCPFLASH_FIRMWARE_DIR ${PROJECT_SOURCE_DIR}/build/firmware CACHE PATH "Where firmware images go")

# VF_FIRMWARE: whether firmware is built.
set(VF_FIRMWARE OFF)
if(VCPFLASH_FIRMWARE)
	find_program(VF_ARM_CC arm-none-eabi-gcc)
	find_program(VF_ARM_AR arm-none-eabi-ar)
	find_program(VF_ARM_OBJCOPY arm-none-eabi-objcopy)
	if(VF_ARM_CC AND NOT DEFINED VF_ARM_LINKS)
		file(WRITE ${CMAKE_BINARY_DIR}/arm.c "#include <string.h>\nint main(int n, char **a) { return (int)strlen(a[n]); }\n")
		execute_process(COMMAND ${VF_ARM_CC} -mcpu=cortex-m4 -mthumb -nostartfiles ${CMAKE_BINARY_DIR}/arm.c
			-o ${CMAKE_BINARY_DIR}/arm.elf RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
		if(failed EQUAL 0)
			set(VF_ARM_LINKS ON CACHE INTERNAL "arm-none-eabi-gcc links with a C library")
		endif()
	endif()
	if(VF_ARM_LINKS AND VF_ARM_AR AND VF_ARM_OBJCOPY)
		set(VF_FIRMWARE ON)
	else()
		message(STATUS "Firmware: skipped, arm-none-eabi-gcc or its newlib is missing "
			"(Debian: gcc-arm-none-eabi libnewlib-arm-none-eabi)")
	endif()
endif()

set(VF_ARM_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror)
# What the library and boards/common come from, for every CPU.
file(GLOB VF_ARM_LIBRARY CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/wire/*.c ${PROJECT_SOURCE_DIR}/target/*.c
	${PROJECT_SOURCE_DIR}/nor/*.c ${PROJECT_SOURCE_DIR}/usb/*.c ${PROJECT_SOURCE_DIR}/guest/*.c
	${PROJECT_SOURCE_DIR}/boards/common/*.c)

# One object out of each source; their paths in the variable `out`.
function(_vf_arm_objects out folder cpu sources options)
	set(objects)
	foreach(source IN LISTS sources)
		get_filename_component(source ${source} ABSOLUTE)
		file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${source})
		string(REPLACE "/" "-" name ${name})
		set(object ${VCPFLASH_FIRMWARE_DIR}/obj/${folder}/${name}.o)
		set(analyze)
		if(VCPFLASH_ANALYZE)
			set(analyze -fanalyzer)
			# For ARM GCC 12 takes members of a structure that was copied whole into a local
			# one for uninitialised; the same source passes in full for the PC.
			if(name STREQUAL target-inflate.c)
				list(APPEND analyze -Wno-analyzer-use-of-uninitialized-value)
			endif()
		endif()
		add_custom_command(OUTPUT ${object}
			COMMAND ${CMAKE_COMMAND} -E make_directory ${VCPFLASH_FIRMWARE_DIR}/obj/${folder}
			COMMAND ${CMAKE_C_COMPILER_LAUNCHER} ${VF_ARM_CC} -mcpu=${cpu} -mthumb -std=c11 -Os -g -ffreestanding
				-ffunction-sections -fdata-sections ${VF_ARM_WARNINGS} ${analyze} -I${PROJECT_SOURCE_DIR}/include
				-I${PROJECT_SOURCE_DIR}/boards/common ${options} -MD -MF ${object}.d -c ${source} -o ${object}
			DEPENDS ${source} DEPFILE ${object}.d COMMENT "Building firmware object ${folder}/${name}" VERBATIM
			COMMAND_EXPAND_LISTS)
		list(APPEND objects ${object})
	endforeach()
	set(${out} ${objects} PARENT_SCOPE)
endfunction()

# wire, target, nor, usb and boards/common for one CPU, made when first asked for.
function(_vf_arm_library cpu optimise)
	set(name ${cpu}${optimise})
	if(TARGET firmware_library_${name})
		return()
	endif()
	_vf_arm_objects(objects ${name} ${cpu} "${VF_ARM_LIBRARY}" "${optimise}")
	set(library ${VCPFLASH_FIRMWARE_DIR}/obj/libvcpflash-${name}.a)
	add_custom_command(OUTPUT ${library}
		COMMAND ${CMAKE_COMMAND} -E rm -f ${library}
		COMMAND ${VF_ARM_AR} rcs ${library} ${objects}
		DEPENDS ${objects} COMMENT "Linking firmware library ${name}" VERBATIM)
	add_custom_target(firmware_library_${name} DEPENDS ${library})
endfunction()

# vf_firmware(NAME SOURCES a.c b.S … LINKER x.ld CPU cortex-m4 [PLAIN] [OPTIMISE -O2]
#             [DEFINES NAME=VALUE …] [OPTIONS compiler options …] [LINK_OPTIONS linker options …])
# build/firmware/NAME.elf, .hex and .bin, as part of the normal build (target
# firmware_NAME). The firmware library of that CPU is linked: wire, target, nor, usb and
# boards/common, at -Os, or as OPTIMISE says for all; PLAIN leaves it out, for applications
# that are programmed rather than program. DEFINES and OPTIONS reach the SOURCES only, so the sizes in
# target.h (VF_TARGET_MEMORIES and so on) are not to be changed there. Linker scripts
# find each other by INCLUDE in their own folder and in boards/common; what they
# include is to be named in DEPENDS. Does nothing when firmware is not built.
function(vf_firmware name)
	if(NOT VF_FIRMWARE)
		return()
	endif()
	cmake_parse_arguments(FW "PLAIN" "LINKER;CPU;OPTIMISE" "SOURCES;DEFINES;OPTIONS;LINK_OPTIONS;DEPENDS" ${ARGN})
	set(options ${FW_OPTIMISE} -I${CMAKE_CURRENT_SOURCE_DIR} ${FW_OPTIONS})
	foreach(define IN LISTS FW_DEFINES)
		list(APPEND options -D${define})
	endforeach()
	_vf_arm_objects(objects ${name} ${FW_CPU} "${FW_SOURCES}" "${options}")
	set(library)
	if(NOT FW_PLAIN)
		_vf_arm_library(${FW_CPU} "${FW_OPTIMISE}")
		set(library ${VCPFLASH_FIRMWARE_DIR}/obj/libvcpflash-${FW_CPU}${FW_OPTIMISE}.a)
	endif()
	get_filename_component(linker ${FW_LINKER} ABSOLUTE)
	get_filename_component(scripts ${linker} DIRECTORY)
	set(image ${VCPFLASH_FIRMWARE_DIR}/${name})
	add_custom_command(OUTPUT ${image}.elf ${image}.hex ${image}.bin
		COMMAND ${VF_ARM_CC} -mcpu=${FW_CPU} -mthumb -nostartfiles -Wl,--gc-sections -Wl,--fatal-warnings
			-Wl,-Map=${image}.map -L${scripts} -L${PROJECT_SOURCE_DIR}/boards/common -T${linker} ${FW_LINK_OPTIONS}
			${objects} ${library} -o ${image}.elf
		COMMAND ${VF_ARM_OBJCOPY} -O ihex ${image}.elf ${image}.hex
		COMMAND ${VF_ARM_OBJCOPY} -O binary ${image}.elf ${image}.bin
		DEPENDS ${objects} ${library} ${linker} ${PROJECT_SOURCE_DIR}/boards/common/sections.ld ${FW_DEPENDS}
		COMMENT "Linking firmware ${name}" VERBATIM COMMAND_EXPAND_LISTS)
	add_custom_target(firmware_${name} ALL DEPENDS ${image}.elf ${image}.hex ${image}.bin)
	if(library)
		add_dependencies(firmware_${name} firmware_library_${FW_CPU}${FW_OPTIMISE})
	endif()
endfunction()
