#!/bin/bash
# call.sh CALL ECHO: wirelark-call against the echo peer, and two of them by copied descriptions, with files in and out.
set -euo pipefail
call=$1 echo=$2
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*"
	cat "$work"/*.err 2>/dev/null || true
	exit 1
}

# "4.0 s: 120 pictures sent, 118 shown of 320x240, the first after 9 ms; 100 % of the sound is a tone of 440 Hz"
check() { # FILE PICTURES
	local shown tone
	shown=$(sed -n 's/.* sent, \([0-9]*\) shown.*/\1/p' "$1")
	tone=$(sed -n 's/.*; \([0-9]*\) % of the sound.*/\1/p' "$1")
	[ "${shown:-0}" -ge "$2" ] || fail "$1: ${shown:-no} pictures, not $2"
	[ "${tone:-0}" -ge 80 ] || fail "$1: ${tone:-no} % tone"
}

# The echo peer, on a port that it tells.
"$echo" --port 0 >"$work/echo.out" 2>&1 &
pids+=($!)
for _ in $(seq 100); do
	grep -qs http "$work/echo.out" && break
	sleep 0.1
done
url=$(grep -o 'http://[^ ]*' "$work/echo.out" | head -1)
"$call" --headless --size 320x240 --fps 15 --seconds 4 --video-out "$work/v.y4m" --audio-out "$work/a.wav" "$url" 2>"$work/one.err" ||
	fail "the echo peer cannot be called"
check "$work/one.err" 30
[ "$(head -c 9 "$work/v.y4m")" = YUV4MPEG2 ] || fail "no Y4M file"
[ "$(stat -c %s "$work/v.y4m")" -gt $((30 * 320 * 240 * 3 / 2)) ] || fail "a short Y4M file"
[ "$(stat -c %s "$work/a.wav")" -gt $((3 * 96000)) ] || fail "a short WAV file"

# Two of them; the one who answers plays the files that came back.
mkfifo "$work/offer" "$work/answer"
"$call" --answer --headless --seconds 4 --video-in "$work/v.y4m" --audio-in "$work/a.wav" <"$work/offer" >"$work/answer" 2>"$work/two.err" &
pids+=($!)
"$call" --offer --headless --codec VP9 --size 320x240 --fps 15 --seconds 4 >"$work/offer" <"$work/answer" 2>"$work/three.err" ||
	fail "no call between two"
check "$work/three.err" 20
wait "${pids[1]}" || fail "the one who answers"
check "$work/two.err" 20
echo "ok: $(tail -1 "$work/one.err")"
