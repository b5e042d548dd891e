#!/bin/bash
# floors.sh TREE: which folder may include which (docs/design.md, "Floors"). Reads the #include lines of the library
# and fails on an upward or sideways one, and on a foreign library's header outside of its one folder.
set -euo pipefail
cd "$1"

floor_of() {
	case $1 in
	core/*) echo 0 ;;
	ice/* | dtls/* | srtp/* | sctp/* | sdp/* | media/rtp/* | media/cc/* | media/codec/*) echo 1 ;;
	media/*) echo 2 ;;
	peer/*) echo 3 ;;
	net/*) echo 4 ;;
	apps/* | tests/*) echo 5 ;;
	esac
}

# The part of a path within which files may include each other.
room_of() {
	case $1 in
	media/*/*) echo "${1%/*}" ;;
	*) echo "${1%%/*}" ;;
	esac
}

foreign_allowed() { # FILE HEADER
	case $2 in
	openssl/*) case $1 in core/crypto.c | dtls/* | net/tls.c) return 0 ;; esac ;;
	srtp2/*) case $1 in srtp/*) return 0 ;; esac ;;
	usrsctp.h) case $1 in sctp/*) return 0 ;; esac ;;
	opus/* | opus.h | vpx/*) case $1 in media/codec/*) return 0 ;; esac ;;
	*) return 0 ;;
	esac
	return 1
}

bad=0
complain() {
	echo "$1:$2: $3"
	bad=1
}

files=$(find core ice dtls srtp sctp sdp media peer net apps -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no sources below $1"; exit 1; }
while IFS=: read -r file line text; do
	header=$(sed 's/.*[<"]\([^>"]*\)[>"].*/\1/' <<<"$text")
	foreign_allowed "$file" "$header" || complain "$file" "$line" "<$header> belongs behind another folder"
	case $header in
	wirelark/types.h) continue ;;
	wirelark/*)
		[ "$(floor_of "$file")" -ge 3 ] || complain "$file" "$line" "below peer/ only <wirelark/types.h> is known, not <$header>"
		continue
		;;
	esac
	to=$(floor_of "$header")
	[ -n "$to" ] || continue
	from=$(floor_of "$file")
	if [ "$from" = 5 ]; then
		[ "$to" = 5 ] || complain "$file" "$line" "apps know <wirelark/...> only, not $header"
	elif [ "$to" -gt "$from" ]; then
		complain "$file" "$line" "$header is upstairs"
	elif [ "$to" = "$from" ] && [ "$(room_of "$file")" != "$(room_of "$header")" ]; then
		# media/ is one room above its codecs; recv, send, track and engine may know each other.
		[ "$to" = 2 ] || complain "$file" "$line" "$header is a neighbour"
	fi
done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' $files)
exit $bad
