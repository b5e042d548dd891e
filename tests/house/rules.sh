#!/bin/bash
# rules.sh TREE: every test that SECURITY.md names for a rule exists, and every rule R1..R39 is spoken of.
set -euo pipefail
cd "$1"
bad=0
for name in $(grep -oE '`test_[A-Za-z0-9_]+`' SECURITY.md | tr -d '`'); do
	grep -rqw "$name" tests/unit tests/sim || { echo "SECURITY.md names $name, which does not exist"; bad=1; }
done
for rule in $(seq 1 39); do
	grep -qwE "R$rule" SECURITY.md || { echo "SECURITY.md does not speak of R$rule"; bad=1; }
done
exit $bad
