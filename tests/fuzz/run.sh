#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh TARGET SECONDS [RUNS]: runs one libFuzzer target over its seeds, for as long or, where RUNS is given, as many
# executions; new inputs go to build/, never to the seeds. With FUZZ_SEED it begins from the seeds alone, with that number.
set -eu
target=$1
seconds=$2
runs=${3:-}
name=$(basename "$target" _fuzz)
seeds=$(dirname "$0")/corpus/$name
found=$(dirname "$target")/found/$name
if [ -n "${FUZZ_SEED:-}" ]; then
	found=$(dirname "$target")/seeded/$name
	rm -rf "$found"
fi
mkdir -p "$found"
set -- "$found"
[ -d "$seeds" ] && set -- "$@" "$seeds"
if [ -n "$runs" ]; then
	echo "== fuzz $name, $runs executions"
	limit=-runs=$runs
else
	echo "== fuzz $name, $seconds s"
	limit=-max_total_time=$seconds
fi
# As long as it takes to say everything once, with some to spare: an execution costs what its input is long.
case $name in
fragments | stream) len=640 ;;
control | l7pat | neighbour) len=512 ;;
dns | hello | news | yaml) len=2048 ;;
*) len=1024 ;;
esac
# Freed memory is kept from use for longer than an execution lasts, but not for so long that every allocation is a cache
# miss. Who allocated is told by few frames: the input that was found tells the others.
ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=6${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
"$target" "$limit" ${FUZZ_SEED:+-seed="$FUZZ_SEED"} -max_len=$len -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
	-artifact_prefix="$found/" "$@"
