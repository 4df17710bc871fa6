#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Installs what building and testing need; quick and silent when nothing is missing.
#   deps.sh              everything
#   deps.sh --libraries  only say which libraries are missing (exit 1), install nothing
set -eu

LIBRARIES="libbpf:libbpf-dev libxdp:libxdp-dev libpcre2-8:libpcre2-dev yaml-0.1:libyaml-dev jansson:libjansson-dev
libmicrohttpd:libmicrohttpd-dev libnl-3.0:libnl-3-dev libnl-route-3.0:libnl-route-3-dev libpcap:libpcap-dev
libcap-ng:libcap-ng-dev"

if [ "${1:-}" = --libraries ]; then
	command -v pkg-config >/dev/null || { echo "pkg-config is missing: apt-get install pkg-config" >&2; exit 1; }
	missing=0
	for l in $LIBRARIES; do
		pkg-config --exists "${l%%:*}" || { echo "${l%%:*} is missing: apt-get install ${l#*:}" >&2; missing=1; }
	done
	exit $missing
fi

BUILD="make gcc libc6-dev clang llvm bpftool pkg-config libelf-dev zlib1g-dev libcmocka-dev"
for l in $LIBRARIES; do BUILD="$BUILD ${l#*:}"; done
TEST="iproute2 ethtool procps util-linux python3 curl nginx-light openssl openssh-server openssh-client dnsmasq-base bind9-dnsutils iperf3
opentracker transmission-daemon transmission-cli aria2 qbittorrent-nox rtorrent mktorrent iputils-ping netcat-openbsd"

missing=
for p in $BUILD $TEST; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing packages:$missing" >&2
	echo "run as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
