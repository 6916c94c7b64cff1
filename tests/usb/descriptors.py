#!/usr/bin/env python3
"""The descriptors, taken apart by the tables of USB 2.0 and CDC 1.2 rather than by our code.

    descriptors.py DUMP        runs DUMP and checks what it prints

What is looked at is what the three systems' drivers go by: Linux cdc_acm (union and call
management), Windows usbser (class 02/02 under an interface association), macOS.
"""
import struct
import subprocess
import sys
import unittest

DUMP = ""


def read():
    said = subprocess.run([DUMP], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in said.splitlines():
        speed, kind, index, data = line.split()
        found[speed, int(kind), int(index)] = bytes.fromhex(data)
    return found


def split(data):
    """A configuration as a list of (type, bytes), whole length checked."""
    at, parts = 0, []
    while at < len(data):
        length = data[at]
        assert length >= 2 and at + length <= len(data), f"a descriptor of {length} bytes at {at}"
        parts.append((data[at + 1], data[at:at + length]))
        at += length
    return parts


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.found = read()

    def test_only_these_are_there(self):
        kinds = {(kind, index) for speed, kind, index in self.found if speed != "notice"}
        self.assertEqual(kinds, {(1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3), (6, 0), (7, 0)})

    def test_device(self):
        for speed in "full", "high":
            d = self.found[speed, 1, 0]
            (length, kind, usb, cls, sub, protocol, packet, vendor, product, release, maker, name, serial,
             configurations) = struct.unpack("<BBHBBBBHHHBBBB", d)
            self.assertEqual((length, kind, usb), (18, 1, 0x0200))
            self.assertEqual((cls, sub, protocol), (0xEF, 2, 1), "grouped by associations")
            self.assertEqual((packet, vendor, product, release), (64, 0x1209, 1, 0x0123))
            self.assertEqual((maker, name, serial, configurations), (1, 2, 3, 1))

    def test_strings(self):
        for speed in "full", "high":
            self.assertEqual(self.found[speed, 3, 0], bytes.fromhex("04030904"))
            for index, text in enumerate(["vcpflash", "A board", "001FA5FF"], 1):
                d = self.found[speed, 3, index]
                self.assertEqual((d[0], d[1]), (len(d), 3))
                self.assertEqual(d[2:].decode("utf-16-le"), text)

    def test_qualifier_is_the_device_at_the_other_speed(self):
        for speed in "full", "high":
            device, d = self.found[speed, 1, 0], self.found[speed, 6, 0]
            self.assertEqual((d[0], d[1], d[9]), (10, 6, 0))
            self.assertEqual(d[2:8], device[2:8])
            self.assertEqual(d[8], device[17])

    def test_other_speed_is_the_other_configuration(self):
        for speed, other in ("full", "high"), ("high", "full"):
            a, b = self.found[speed, 7, 0], self.found[other, 2, 0]
            self.assertEqual((a[1], b[1]), (7, 2))
            self.assertEqual(a[2:], b[2:])

    def check_head(self, parts, whole):
        kind, head = parts[0]
        length, _, total, interfaces, value, text, attributes, power = struct.unpack("<BBHBBBBB", head)
        self.assertEqual((length, kind, total), (9, 2, len(whole)))
        self.assertEqual((interfaces, value, text), (2, 1, 0))
        self.assertEqual(attributes & 0x9F, 0x80, "bit 7 set, bits 4 to 0 and remote wake-up clear")
        self.assertEqual(power, 50)
        self.assertEqual(attributes & 0x40, 0x40, "self-powered, as GET_STATUS says")

    def check_functional(self, parts):
        functional = [p for kind, p in parts if kind == 0x24]
        self.assertEqual([p[2] for p in functional], [0, 1, 2, 6])
        self.assertEqual(functional[0][3:], bytes([0x20, 0x01]), "CDC 1.2")
        self.assertEqual(functional[1][4], 1, "call management names the data interface")
        self.assertEqual(functional[2][3] & ~6, 0, "only what is answered: line coding and break")
        self.assertEqual(functional[3][3:], bytes([0, 1]), "union: control, then data")

    def check_endpoints(self, parts, high):
        bulk = 512 if high else 64
        owner, found = None, {}
        for kind, p in parts:
            if kind == 4:
                owner = p[2]
            if kind == 5:
                length, _, address, attributes, size, interval = struct.unpack("<BBBBHB", p)
                self.assertEqual(length, 7)
                found[address] = (owner, attributes, size, interval)
        self.assertEqual(set(found), {0x01, 0x81, 0x82})
        for address in 0x01, 0x81:
            self.assertEqual(found[address][:3], (1, 2, bulk))
        owner, attributes, size, interval = found[0x82]
        self.assertEqual((owner, attributes), (0, 3))
        self.assertGreaterEqual(size, 10, "SERIAL_STATE fits")
        self.assertEqual(2 ** (interval - 1) / 8 if high else interval, 16, "milliseconds")

    def check_interfaces(self, parts):
        interfaces = [struct.unpack("<BBBBBBBBB", p) for kind, p in parts if kind == 4]
        self.assertEqual([i[2] for i in interfaces], [0, 1])
        self.assertEqual([i[3] for i in interfaces], [0, 0])
        self.assertEqual(interfaces[0][5:8], (2, 2, 1))
        self.assertEqual(interfaces[1][5:8], (10, 0, 0))
        for interface in interfaces:
            count, inside = 0, False
            for kind, p in parts:
                inside = p[2] == interface[2] if kind == 4 else inside
                count += kind == 5 and inside
            self.assertEqual(interface[4], count)

    def test_configurations(self):
        for speed in "full", "high":
            whole = self.found[speed, 2, 0]
            parts = split(whole)
            self.assertEqual([kind for kind, _ in parts], [2, 11, 4, 0x24, 0x24, 0x24, 0x24, 5, 4, 5, 5])
            self.check_head(parts, whole)
            association = parts[1][1]
            self.assertEqual(association, bytes([8, 11, 0, 2, 2, 2, 1, 0]))
            self.check_interfaces(parts)
            self.check_functional(parts)
            self.check_endpoints(parts, speed == "high")

    def test_notice(self):
        kind, code, value, index, length, state = struct.unpack("<BBHHHH", self.found["notice", 0, 0])
        self.assertEqual((kind, code, value, index, length), (0xA1, 0x20, 0, 0, 2))
        self.assertEqual(state, 3, "carrier and data set")


if __name__ == "__main__":
    DUMP = sys.argv.pop(1)
    unittest.main()
