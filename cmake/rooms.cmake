# How a room becomes a library, and which warnings everybody lives with.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror)

if(VCPFLASH_SANITIZE)
	# Optimised a little: what is instrumented is the same, and tests take a quarter of the time.
	add_compile_options(-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
endif()

if(VCPFLASH_ANALYZE)
	add_compile_options(-fanalyzer)
endif()

if(VCPFLASH_COVERAGE)
	add_compile_options(--coverage -fprofile-abs-path)
	add_link_options(--coverage)
endif()

if(VCPFLASH_FUZZ)
	add_compile_options(-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
	add_link_options(-fsanitize=address,undefined)
endif()

# vf_room(NAME [FREESTANDING] SOURCES a.c … [USES room …])
# A static library vf_NAME that sees the public headers, and the rooms it USES.
# FREESTANDING rooms run on the board: their .data and .bss must be empty, which
# tests/house/freestanding.py checks for every compiler we have.
function(vf_room name)
	cmake_parse_arguments(ROOM "FREESTANDING" "" "SOURCES;USES" ${ARGN})
	add_library(vf_${name} STATIC ${ROOM_SOURCES})
	# Also for libvcpflash, which shows nothing of them.
	set_target_properties(vf_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
	target_include_directories(vf_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	foreach(used IN LISTS ROOM_USES)
		target_link_libraries(vf_${name} PUBLIC vf_${used})
	endforeach()
	if(ROOM_FREESTANDING)
		target_compile_options(vf_${name} PRIVATE -ffreestanding)
	else()
		target_compile_definitions(vf_${name} PRIVATE _POSIX_C_SOURCE=200809L)
	endif()
endfunction()

# vf_test(NAME SOURCES a.c … [LINK lib …] [ARGS …])
# A cmocka program and its ctest entry.
function(vf_test name)
	cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LINK;ARGS" ${ARGN})
	add_executable(test_${name} ${TEST_SOURCES})
	target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
	target_compile_definitions(test_${name} PRIVATE _POSIX_C_SOURCE=200809L)
	target_link_libraries(test_${name} PRIVATE ${TEST_LINK} cmocka)
	add_test(NAME ${name} COMMAND test_${name} ${TEST_ARGS})
	if(NOT TEST_TIMEOUT)
		set(TEST_TIMEOUT 600)
	endif()
	set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT})
endfunction()
