#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Rows that register themselves: prints the table of all MACRO(name) definitions in the sources as C.
#   rows.sh MACRO STRUCT HEADER FILE...
# MACRO(name) defines `const struct STRUCT STRUCT_name`; the table is `STRUCTs`, NULL-terminated, by name.
set -eu
macro=$1 struct=$2 header=$3
shift 3
names=$(sed -n "s/^$macro(\([a-z0-9_]*\)).*/\1/p" "$@" | LC_ALL=C sort)
echo "/* Written by scripts/rows.sh: every $macro of the sources. */"
echo "#include \"$header\""
for n in $names; do
	echo "extern const struct $struct ${struct}_$n;"
done
echo "const struct $struct *const ${struct}s[] = {"
for n in $names; do
	echo "	&${struct}_$n,"
done
echo "	NULL,"
echo "};"
