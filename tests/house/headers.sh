#!/bin/bash
# headers.sh SOURCE: every public header compiles alone, as C11 and as C++17, without a warning.
set -euo pipefail
for header in "$1"/include/wirelark/*.h; do
	gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$1/include" -x c -fsyntax-only "$header"
	g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$1/include" -x c++ -fsyntax-only "$header"
done
