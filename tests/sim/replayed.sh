#!/bin/sh
# Record a simulation and play each of its recordings: replayed.sh SIMULATION REPLAY
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
SIM_RECORD="$folder/r" "$1" >"$folder/said" 2>&1 || { cat "$folder/said"; exit 1; }
count=0
for file in "$folder"/r.*; do
	"$2" "$file" >"$folder/played" 2>&1 || { echo "$(basename "$file"):"; cat "$folder/played"; exit 1; }
	count=$((count + 1))
done
echo "$count recordings were played"
[ "$count" -gt 1 ]
