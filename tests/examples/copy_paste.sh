#!/bin/sh
# Two of examples/copy_paste.c paste to each other through pipes: copy_paste.sh PROGRAM
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/there" "$folder/back"
exec 3<>"$folder/there" 4<>"$folder/back" # so that opening one end does not wait for the other
"$1" offer "spoken by the offerer" <"$folder/back" >"$folder/there" 2>"$folder/offerer" &
offerer=$!
"$1" answer "spoken by the answerer" <"$folder/there" >"$folder/back" 2>"$folder/answerer" || { cat "$folder/answerer"; exit 1; }
wait "$offerer" || { cat "$folder/offerer"; exit 1; }
grep -qx "> spoken by the answerer" "$folder/offerer"
grep -qx "> spoken by the offerer" "$folder/answerer"
