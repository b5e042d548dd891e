#!/bin/bash
# symbols.sh LIBRARY LIST: the shared library exports exactly the symbols of the list, and its soname is the promised one.
set -euo pipefail
diff -u "$2" <(nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | LC_ALL=C sort) || {
	echo "exported symbols differ from $2; a new function belongs there and into the CHANGELOG"
	exit 1
}
readelf -d "$1" | grep -q 'SONAME.*\[libwirelark\.so\.0\]' || { echo "wrong soname"; exit 1; }
