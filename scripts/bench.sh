#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs benchmarks: bench.sh BUILD NAME... Each is tests/bench/NAME.py (or .sh), called with --build BUILD; it writes
# BUILD/bench/NAME.json, which is drawn as BUILD/bench/NAME.svg.
set -eu
build=$1
shift
here=$(dirname "$0")/../tests/bench
python=${PYTHON:-/usr/bin/python3}
mkdir -p "$build/bench"
for name in "$@"; do
	echo "== $name"
	rm -f "$build/bench/$name.json" "$build/bench/$name.svg"
	if [ -f "$here/$name.py" ]; then
		"$python" "$here/$name.py" --build "$build"
	elif [ -f "$here/$name.sh" ]; then
		sh "$here/$name.sh" --build "$build"
	else
		echo "bench.sh: no benchmark is called $name" >&2
		exit 2
	fi
	"$python" "$here/plot.py" "$build/bench/$name.json"
done
