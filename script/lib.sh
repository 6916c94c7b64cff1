# Shared by the scripts: where the tree is, and how what is missing gets
# installed. Source it; it changes to the top of the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config libserialport-dev libtelnet-dev libcjson-dev libdeflate-dev libunicorn-dev libsqlite3-dev"
PACKAGES_DEMO="binutils-arm-none-eabi gcc-arm-none-eabi libnewlib-arm-none-eabi srecord"
PACKAGES_TEST="clang libclang-rt-dev spin clang-format clang-tidy cppcheck python3 libcmocka-dev zlib1g-dev libelf-dev \
qemu-system-arm g++ mypy ser2net flashrom lrzsz udev $PACKAGES_DEMO binutils altos firmware-microbit-micropython hackrf-firmware u-boot-qemu"

PACKAGES_PACKAGE="dpkg-dev gzip python3"
PACKAGES_TEST="$PACKAGES_TEST $PACKAGES_PACKAGE man-db mandoc bash zsh fish lintian"

PACKAGES_COVERAGE="gcovr"

# need PACKAGE...: installs those that are not there. Asks for nothing.
need() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	local root=()
	[ "$(id -u)" = 0 ] || root=(sudo)
	echo "installing: ${missing[*]}" >&2
	local log=build/install.log
	mkdir -p build
	{ "${root[@]}" apt-get update -qq &&
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; echo "installing failed; the whole story is in $log" >&2; exit 1; }
}
