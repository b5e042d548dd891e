#!/bin/bash
# floors_planted.sh TREE: floors.sh finds each kind of violation that is planted in a copy of the tree, and nothing before.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$1" && cp -r --parents core ice dtls srtp sctp sdp media peer net doors apps include "$copy")

"$here/floors.sh" "$copy"
plant() { # FILE LINE
	cp "$copy/$1" "$copy/saved"
	printf '%s\n' "$2" >>"$copy/$1"
	if "$here/floors.sh" "$copy" >"$copy/out"; then
		echo "not found in $1: $2"
		exit 1
	fi
	grep -q "^$1:" "$copy/out"
	mv "$copy/saved" "$copy/$1"
}
plant core/addr.c '#include "ice/agent.h"'
plant ice/agent.c '#include "dtls/transport.h"'
plant sctp/assoc.c '#include "peer/peer.h"'
plant media/rtp/packet.c '#include "media/engine.h"'
plant peer/input.c '#include "net/driver.h"'
plant peer/input.c '#include "doors/lend.h"'
plant doors/ice.c '#include "net/clock.h"'
plant apps/echo/main.c '#include "core/alloc.h"'
plant sdp/parse.c '#include <openssl/sha.h>'
plant peer/input.c '#include <usrsctp.h>'
plant srtp/session.c '#include <wirelark/peer_connection.h>'
"$here/floors.sh" "$copy"
