#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# check-install.sh TREE CC: the library as an integrator installs and uses it.
#
# Builds it alone, where pkg-config knows of protobuf-c and nothing else (no GLib, no SQLite),
# installs it, and builds the examples outside the tree with what pkg-config says, against
# the shared library and against the static one; then they have to work.
set -eu -o pipefail
tree=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }
must() { "$@" || { echo "does not hold: $*"; exit 1; }; }

known=$work/pkgconfig
mkdir "$known" "$work/out"
ln -s "$(pkg-config --variable=pcfiledir libprotobuf-c)/libprotobuf-c.pc" "$known/"
export PKG_CONFIG_LIBDIR=$known
unset PKG_CONFIG_PATH
must [ "$(pkg-config --list-all | wc -l)" -eq 1 ]

quietly meson setup "$work/build" "$tree" -Dlibrary_only=true --prefix="$work/prefix" --libdir=lib
quietly meson compile -C "$work/build"
quietly meson install -C "$work/build" --no-rebuild

export PKG_CONFIG_LIBDIR=$known:$work/prefix/lib/pkgconfig
must [ "$(pkg-config --modversion stipple)" = "$(meson introspect "$work/build" --projectinfo |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')" ]
must [ -z "$(pkg-config --libs stipple | grep -o protobuf)" ]
must [ -n "$(pkg-config --libs --static stipple | grep -o protobuf)" ]

for kind in shared static; do
    for name in pen collector decoder; do
        libs=$(pkg-config --libs stipple)
        [ $kind = shared ] || libs=$(pkg-config --libs --static stipple | sed 's/-lstipple/-l:libstipple.a/')
        # shellcheck disable=SC2046,SC2086  # lists of words
        (cd "$work/out" && quietly "$@" -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror \
            $(pkg-config --cflags stipple) "$tree/libprotocol/examples/example-$name.c" $libs -o "$kind-$name")
    done
    LD_LIBRARY_PATH=$([ $kind = static ] || echo "$work/prefix/lib") \
        python3 "$here/check-examples.py" "$work/out/$kind"-{pen,collector,decoder}
done
must [ -n "$(readelf -d "$work/out/shared-pen" | grep -o 'libstipple.so.0\]')" ]
must [ -z "$(readelf -d "$work/out/static-pen" | grep -o 'libstipple')" ]

# What the README shows compiles.
awk -v out="$work/readme-" '/^```c$/ { file = (out (++count) ".c"); next } /^```/ { file = "" } file { print > file }' \
    "$tree/libprotocol/README.md"
must [ -e "$work/readme-2.c" ]
for block in "$work"/readme-*.c; do
    # shellcheck disable=SC2046
    quietly "$@" -std=c11 -Wall -Wextra -Werror $(pkg-config --cflags stipple) -c "$block" -o "$block.o"
done

# C++ takes all headers together, twice, and links.
cxx=$(command -v c++ || command -v g++ || command -v clang++) || { echo "no C++ compiler: not tried from C++"; exit 0; }
cat > "$work/all.cc" << 'END'
#include <stipple/stipple.h>
#include <stipple/stipple.h>
#include <cstring>

int main()
{
	stp_features in{}, out{};
	uint8_t value[STP_FEATURES_SIZE];
	stp_host_config config{};
	stp_host *host = stp_host_new(&config);

	in.schema_rev = STP_SCHEMA_REV;
	in.max_window = 64;
	in.sample_period_ms = 20;
	stp_features_encode(&in, value);
	bool works = stp_features_decode(value, sizeof(value), &out) == STP_OK && out.max_window == 64
		&& host != nullptr && std::strlen(stp_status_hint(STP_ERR_CRC)) > 0;
	stp_host_free(host);
	return works ? 0 : 1;
}
END
for standard in c++11 c++20; do
    # shellcheck disable=SC2046
    quietly "$cxx" -std=$standard -Wall -Wextra -Wpedantic -Werror "$work/all.cc" \
        $(pkg-config --cflags --libs stipple) -o "$work/out/all-$standard"
    must env LD_LIBRARY_PATH="$work/prefix/lib" "$work/out/all-$standard"
done
