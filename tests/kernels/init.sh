#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The first process of the guest: prepares it, runs the tests, and says over the console what came of each.
# run.py reads lines that begin with @@.
export PATH=/usr/bin:/bin HOME=/root LC_ALL=C.UTF-8 CI=true
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs run /run
# Until the end nothing but panics may come between the lines.
echo 1 >/proc/sys/kernel/printk
echo "@@ kernel $(uname -r)"

# step NAME SECONDS COMMAND... : one test, bounded, told by its exit status.
step() {
	name=$1 seconds=$2
	shift 2
	echo "@@ begin $name"
	timeout -s KILL "$seconds" "$@" </dev/null 2>&1
	echo "@@ end $name $? $(cut -d ' ' -f 1 /proc/uptime)"
}

# Whatever the kernel thinks is wrong with itself is a failure here.
kernel_log() {
	! dmesg | grep -E -A 25 'WARNING:|BUG:|Oops|general protection|detected stall'
}

ip link set lo up
cd /weir || exit 1
step lacking 60 sh tests/kernels/lacking.sh
while read -r test; do
	case $test in
	# An emulator's nanoseconds say nothing; the verifier's work is the same.
	cost_test) step "$test" 60 "build/tests/bpf/$test" verifier_cost ;;
	*) step "$test" 90 "build/tests/bpf/$test" ;;
	esac
done <order
step end-to-end 120 python3 tests/e2e/run.py smoke
echo "@@ begin kernel-log"
kernel_log
echo "@@ end kernel-log $? $(cut -d ' ' -f 1 /proc/uptime)"
echo "@@ done"
poweroff -f
