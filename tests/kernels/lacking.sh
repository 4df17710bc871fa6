#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In the guest, before the kernel's modules are loaded: each that weir needs is missed in turn. weir
# must end with status 1, name what is missing, and leave nothing. Then the module is loaded, and the
# next is missed. What weir can do without, it says and goes on.
set -eu
dir=/tmp/lacking
pins=/sys/fs/bpf/lacking

load() {
	for file in "/modules/$1"/*; do
		# Modules that others brought along are there already.
		name=$(basename "$file" .ko | cut -c 4- | tr - _)
		[ -d "/sys/module/$name" ] || insmod "$file"
	done
}

daemon() {
	exec build/weir run -c $dir/weir.yaml --socket $dir/socket --pins $pins \
		--state $dir/changes.json >$dir/out 2>&1
}

says() {
	if ! grep -q "^weir: .*$1" $dir/out; then
		echo "weir does not say \"$1\":"
		cat $dir/out
		return 1
	fi
	sed -n "/$1/p" $dir/out
}

# ends PID STATUS: the daemon does, and nothing of it is left.
ends() {
	status=0
	wait "$1" || status=$?
	left=$(ls -d $pins $dir/changes.json $dir/socket /sys/class/net/br0 2>/dev/null || :)
	if [ "$status" != "$2" ] || [ -n "$left" ]; then
		echo "weir ended with $status instead of $2, and left: $left"
		cat $dir/out
		return 1
	fi
}

misses() {
	daemon &
	ends $! 1
	says "(module $1,"
	load "$1"
}

# Types of the kernel: without them its losses are not counted.
misses_btf() {
	mount -t tmpfs none /sys/kernel/btf
	daemon &
	daemon=$!
	until build/weir status --socket $dir/socket >$dir/status 2>/dev/null; do
		kill -0 $daemon || break
		sleep 0.2
	done
	kill $daemon
	ends $daemon 0
	says 'CONFIG_DEBUG_INFO_BTF'
	grep 'kernel losses not counted' $dir/status
	umount /sys/kernel/btf
}

mkdir $dir
load dummy
ip link add la type dummy
ip link add lb type dummy
ip link set la up
ip link set lb up
cat >$dir/weir.yaml <<END
version: 1
ports:
  lan: { interface: la, hook: tc }
  wan: { interface: lb, hook: tc }
forward:
  - { mode: bridge, bridge: br0, create: true, ports: [lan, wan] }
default: pass
END
misses bridge
misses veth
misses sch_ingress
misses cls_bpf
misses_btf
ip link del la
ip link del lb
