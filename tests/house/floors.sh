#!/bin/bash
# floors.sh TREE: which folder may include which (docs/design.md, "Floors"). Reads the #include lines of the library
# and fails on an upward or sideways one, and on a foreign library's header outside of its one folder.
set -euo pipefail
cd "$1"

files=$(find core ice dtls srtp sctp sdp media peer net doors apps -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no sources below $1"; exit 1; }
awk '
	function floor_of(path) {
		if (path ~ /^core\//) return 0
		if (path ~ /^(ice|dtls|srtp|sctp|sdp|media\/rtp|media\/cc|media\/codec)\//) return 1
		if (path ~ /^media\//) return 2
		if (path ~ /^peer\//) return 3
		if (path ~ /^(net|doors|apps\/replay)\//) return 4
		if (path ~ /^(apps|tests)\//) return 5
		return -1
	}
	# Files within one room may include each other; media/ above its protocols is one room.
	function room_of(path, parts) {
		split(path, parts, "/")
		if (parts[1] == "media" && parts[2] ~ /^(rtp|cc|codec)$/) return "media/" parts[2]
		return parts[1]
	}
	function foreign_home(header) {
		if (header ~ /^openssl\//) return "^(core/crypto[.]c|dtls/|net/tls[.]c)"
		if (header ~ /^srtp2\//) return "^srtp/"
		if (header ~ /^usrsctp/) return "^sctp/"
		if (header ~ /^(opus|vpx)[.\/]/) return "^media/codec/"
		return ""
	}
	function complain(text) {
		printf "%s:%d: %s\n", FILENAME, FNR, text
		bad = 1
	}
	/^[ \t]*#[ \t]*include/ {
		header = $0
		sub(/^[^<"]*[<"]/, "", header)
		sub(/[>"].*/, "", header)
		home = foreign_home(header)
		if (home != "" && FILENAME !~ home)
			complain("<" header "> belongs behind another folder")
		from = floor_of(FILENAME)
		if (header ~ /^wirelark\//) {
			if (header != "wirelark/types.h" && from < 3)
				complain("below peer/ only <wirelark/types.h> is known, not <" header ">")
			next
		}
		to = floor_of(header)
		if (to < 0)
			next
		if (from == 5 && to != 5)
			complain("apps know <wirelark/...> only, not " header)
		else if (to > from)
			complain(header " is upstairs")
		else if (to == from && from != 5 && room_of(FILENAME) != room_of(header))
			complain(header " is a neighbour")
	}
	END { exit bad }
' $files
