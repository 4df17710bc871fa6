#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Installs Debian packages that are missing; quick and silent when nothing is.
#   deps.sh           what building, testing and the demo need
#   deps.sh --build   what building needs
#   deps.sh --ci      what `make check` and `make fuzz` need besides
#   deps.sh --bench   what `make bench` compares with
#   deps.sh --kernels what `make kernels` needs besides building
set -eu

BUILD="make gcc libc6-dev clang llvm bpftool pkg-config libelf-dev zlib1g-dev libbpf-dev libxdp-dev libpcre2-dev
libyaml-dev libjansson-dev libmicrohttpd-dev libnl-3-dev libnl-route-3-dev libpcap-dev libcap-ng-dev libgcrypt20-dev
libsystemd-dev"
TEST="libcmocka-dev iproute2 ethtool procps util-linux python3 curl nginx-light openssl openssh-server openssh-client
dnsmasq-base bind9-dnsutils iperf3 opentracker transmission-daemon transmission-cli aria2 qbittorrent-nox rtorrent
mktorrent amule-daemon uhub ncdc ngircd irssi prosody python3-slixmpp tmux iputils-ping netcat-openbsd
python3-libtorrent nftables iptables libmnl-dev libnetfilter-queue-dev"
KERNELS="libcmocka-dev iproute2 ethtool python3 qemu-system-x86 busybox-static binutils"
BENCH="libndpi-dev vsftpd"
CI="clang-format cppcheck shellcheck libclang-rt-14-dev"

case "${1:-}" in
--build) wanted="$BUILD" ;;
--ci) wanted="$BUILD $TEST $CI" ;;
--bench) wanted="$BUILD $TEST $BENCH" ;;
--kernels) wanted="$BUILD $KERNELS" ;;
'') wanted="$BUILD $TEST" ;;
*)
	echo "usage: $0 [--build | --ci | --bench | --kernels]" >&2
	exit 2
	;;
esac

# shellcheck disable=SC2086 # a list of package names
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p') || :
missing=
for p in $wanted; do
	echo "$installed" | grep -qx -e "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing packages:$missing" >&2
	echo "run as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive

# The tests start the servers they need themselves; the packages must not start theirs.
guard=/usr/sbin/policy-rc.d
if [ ! -e $guard ]; then
	printf '#!/bin/sh\nexit 101\n' >$guard
	chmod +x $guard
	trap 'rm -f $guard' EXIT
fi
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
	apt-get update -qq >&2
	apt-get install -y -qq --no-install-recommends $missing >&2
}
