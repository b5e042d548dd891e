#!/bin/bash
# consumer.sh BUILD SOURCE: installs the built tree into an empty prefix and builds a foreign project against it: by CMake
# (shared and static) and by pkg-config.
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix/usr" >/dev/null
here=$2/tests/house/consumer
cmake -S "$here" -B "$prefix/build" -DCMAKE_PREFIX_PATH="$prefix/usr" >/dev/null
cmake --build "$prefix/build" >/dev/null
"$prefix/build/consumer"
"$prefix/build/consumer_static"
pc=$(find "$prefix/usr" -name wirelark.pc -printf '%h')
export PKG_CONFIG_PATH=$pc
cc "$here/consumer.c" $(pkg-config --cflags --libs wirelark) -o "$prefix/by_pc"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir wirelark) "$prefix/by_pc"
