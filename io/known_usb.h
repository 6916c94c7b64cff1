/* known_usb.h - USB ids of debug probes and boards with a virtual COM port: the one
 * table behind `auto`, and behind the udev rule that the build makes of it.
 *
 * VF_KNOWN_USB(vid, pid, most, what): `most` is the highest baud rate that is safe with
 * it, 0 where nothing is known against any; one entry a line, which CMake reads too.
 * The includer defines the macros. Ids come from the usb.ids list, OpenOCD's udev rules
 * (60-openocd.rules), the stlink project's udev rules and pyOCD's. Bare USB-UART
 * bridges are not among them: behind those may be anything. ST-LINK/V2-1 keeps up with
 * 1.2 Mbaud, and has no line to hold anybody back.
 *
 * VF_KNOWN_MAKER(text, what): the manufacturer's string of a USB device that is known by it,
 * whatever its ids. Boards of ours come with an id for tests, which other devices carry
 * too, and whoever builds a product has one of his own; docs/USB.md.
 */
#ifdef VF_KNOWN_USB
VF_KNOWN_USB(0x0483, 0x374a, 1200000, "ST-LINK/V2.1")
VF_KNOWN_USB(0x0483, 0x374b, 1200000, "ST-LINK/V2.1, with storage")
VF_KNOWN_USB(0x0483, 0x374d, 0, "STLINK-V3 loader")
VF_KNOWN_USB(0x0483, 0x374e, 0, "STLINK-V3E")
VF_KNOWN_USB(0x0483, 0x374f, 0, "STLINK-V3S")
VF_KNOWN_USB(0x0483, 0x3752, 1200000, "ST-LINK/V2.1, no storage")
VF_KNOWN_USB(0x0483, 0x3753, 0, "STLINK-V3, two virtual COM ports")
VF_KNOWN_USB(0x0483, 0x3754, 0, "STLINK-V3, no storage")
VF_KNOWN_USB(0x0483, 0x3755, 0, "STLINK-V3 loader")
VF_KNOWN_USB(0x0483, 0x3757, 0, "STLINK-V3PWR")
VF_KNOWN_USB(0x0483, 0x5740, 0, "STM32 virtual COM port")
VF_KNOWN_USB(0x0d28, 0x0204, 0, "DAPLink")
#endif
#ifdef VF_KNOWN_MAKER
VF_KNOWN_MAKER("vcpflash", "the board itself, with the loader")
#endif
