#!/bin/bash
# browser_api.sh TREE: every wlk_... and WLK_... name in docs/browser-api.md is declared in a public header, and in
# wlk_struct.member every member stands in that struct.
set -euo pipefail
cd "$1"

page=docs/browser-api.md
names=$(grep -noE '\b(wlk|WLK)_[A-Za-z0-9_]*(\.[a-z][a-z0-9_]*)*' "$page") || { echo "$page names nothing of $1/include"; exit 1; }
# Without their comments, which may speak of what does not exist.
headers=$(cat include/wirelark/*.h | gcc -w -x c -fpreprocessed -dD -E -P -)
[ -n "$headers" ] || { echo "no headers below $1/include"; exit 1; }
awk -v page="$page" '
	NR == FNR {
		if (/^typedef struct wlk_[a-z0-9_]+ \{/)
			struct = $3
		count = split($0, words, /[^A-Za-z0-9_]+/)
		for (i = 1; i <= count; i++) {
			declared[words[i]] = 1
			if (struct != "")
				member[struct, words[i]] = 1
		}
		if (/^\}/)
			struct = ""
		next
	}
	{
		line = $0
		sub(/:.*/, "", line)
		sub(/^[0-9]+:/, "")
		count = split($0, parts, ".")
		found = parts[1] in declared
		for (i = 2; i <= count; i++)
			found = found && (parts[1], parts[i]) in member
		if (!found) {
			printf "%s:%d: %s is not in include/wirelark\n", page, line, $0
			bad = 1
		}
	}
	END { exit bad }
' <(printf '%s\n' "$headers") <(printf '%s\n' "$names")
