# SPDX-License-Identifier: GPL-2.0-only
import os

from harness import proc
from harness.check import Skip, check
from harness.scenario import scenario


@scenario("the objects attach with plain bpftool, as docs/bpftool.md says", hooks=("native",),
          seconds=60)
def bpftool(lab):
    script = os.path.join(lab.top, "tests", "e2e", "bpftool_test.sh")
    if not os.path.exists(script):
        raise Skip("tests/e2e/bpftool_test.sh is absent")
    status, out, err = proc.run(["sh", script], 50, cwd=lab.top)
    print(out, end="")
    check(status == 0, f"exit status {status}:\n{out[-2000:]}{err[-2000:]}")
