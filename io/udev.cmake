# The udev rule for the ports that `auto` knows, made from the same table as the program.
# uaccess works only in rules before 73-seat-late.rules, and ModemManager's own begin at
# 77: hence the 70.
include(GNUInstallDirs)

set(rule ${CMAKE_CURRENT_BINARY_DIR}/70-vcpflash.rules)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS known_usb.h)
file(STRINGS known_usb.h entries REGEX "^VF_KNOWN_USB")
file(STRINGS known_usb.h makers REGEX "^VF_KNOWN_MAKER")

# What to say of a port: the match of the USB device, and that of what hangs below it.
macro(vf_udev_port what device below)
	string(APPEND text "# ${what}
SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ${device}, ENV{ID_MM_DEVICE_IGNORE}=\"1\"
SUBSYSTEM==\"tty\", ${below}, GROUP=\"dialout\", MODE=\"0660\", TAG+=\"uaccess\", ENV{ID_MM_DEVICE_IGNORE}=\"1\", ENV{ID_MM_PORT_IGNORE}=\"1\"
")
endmacro()

set(text "# Ports that vcpflash's auto knows: whoever sits at the machine may use them, members of
# dialout may, and ModemManager does not greet them with modem commands.
ACTION==\"remove\", GOTO=\"vcpflash_end\"
SUBSYSTEM!=\"usb|tty\", GOTO=\"vcpflash_end\"

")
foreach(entry IN LISTS entries)
	if(NOT entry MATCHES "^VF_KNOWN_USB\\(0x([0-9a-f]+), 0x([0-9a-f]+), [0-9]+, \"(.*)\"\\)$")
		message(FATAL_ERROR "io/known_usb.h: one entry a line, ids in lower case: ${entry}")
	endif()
	set(vid "{idVendor}==\"${CMAKE_MATCH_1}\"")
	set(pid "{idProduct}==\"${CMAKE_MATCH_2}\"")
	vf_udev_port("${CMAKE_MATCH_3}" "ATTR${vid}, ATTR${pid}" "ATTRS${vid}, ATTRS${pid}")
endforeach()
foreach(entry IN LISTS makers)
	if(NOT entry MATCHES "^VF_KNOWN_MAKER\\(\"([^\"]+)\", \"(.*)\"\\)$")
		message(FATAL_ERROR "io/known_usb.h: one entry a line: ${entry}")
	endif()
	set(maker "{manufacturer}==\"${CMAKE_MATCH_1}\"")
	vf_udev_port("${CMAKE_MATCH_2}" "ATTR${maker}" "ATTRS${maker}")
endforeach()
string(APPEND text "
LABEL=\"vcpflash_end\"
")
file(CONFIGURE OUTPUT ${rule} CONTENT "\${text}")
set(VCPFLASH_UDEV_RULES_DIR lib/udev/rules.d CACHE STRING "Where udev looks for rules, below the prefix")
install(FILES ${rule} DESTINATION ${VCPFLASH_UDEV_RULES_DIR})
