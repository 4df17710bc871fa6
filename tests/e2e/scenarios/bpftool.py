# SPDX-License-Identifier: GPL-2.0-only
import os

from harness import proc
from harness.check import check_equal
from harness.scenario import scenario


@scenario("the objects load, attach and answer with plain bpftool, as docs/bpftool.md says",
          hooks=("native",), seconds=60)
def bpftool(lab):
    script = os.path.join(lab.top, "tests", "e2e", "bpftool_test.py")
    status, out, err = proc.run(["/usr/bin/python3", script], 50, cwd=lab.top)
    check_equal(status, 0, f"exit status of bpftool_test.py:\n{out[-2000:]}{err[-2000:]}\n")
