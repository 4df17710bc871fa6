#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh VERSION: builds build/weir_VERSION_ARCH.deb from debian/control and `make install`.
set -eu
version=$1
arch=$(dpkg --print-architecture)
root=build/deb
rm -rf "$root"
make --no-print-directory install DESTDIR="$root" PREFIX=/usr
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/weir"
cp LICENSE "$root/usr/share/doc/weir/copyright"
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" debian/control >"$root/DEBIAN/control"
dpkg-deb --root-owner-group --build "$root" "build/weir_${version}_$arch.deb"
