#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh TARGET SECONDS: runs one libFuzzer target over its seeds; new inputs go to build/, never to the seeds.
set -eu
target=$1
seconds=$2
name=$(basename "$target" _fuzz)
seeds=$(dirname "$0")/corpus/$name
found=$(dirname "$target")/found/$name
mkdir -p "$found"
set -- "$found"
[ -d "$seeds" ] && set -- "$@" "$seeds"
echo "== fuzz $name, $seconds s"
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
	-artifact_prefix="$found/" "$@"
