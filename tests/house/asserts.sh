#!/bin/bash
# asserts.sh OBJECTS_DIR: asserts are on in this build: their failure function is called from the library's objects.
set -euo pipefail
find "$1" -name 'pktbuf.c.o' -exec nm {} + | grep -q '__assert_fail' || { echo "asserts were compiled out"; exit 1; }
