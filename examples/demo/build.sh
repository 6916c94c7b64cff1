#!/usr/bin/env bash
# build.sh OUT: assembles cm7.hex and cm4.hex (and their ELF files) into OUT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
for core in cm7:0x90000000 cm4:0x90100000; do
	name=${core%%:*} origin=${core##*:}
	arm-none-eabi-as -o "$out/$name.o" "$here/$name.S"
	arm-none-eabi-ld --defsym "origin=$origin" -T "$here/image.ld" -o "$out/$name.elf" "$out/$name.o"
	arm-none-eabi-objcopy -O ihex "$out/$name.elf" "$out/$name.hex"
done
