# SPDX-License-Identifier: GPL-2.0-only
"""One thread of a process kept from running while the others go on."""
import contextlib
import ctypes
import os

from .check import Failure, wait_for

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) < 0:
        raise Failure(f"ptrace({request:#x}): {os.strerror(ctypes.get_errno())}")


def thread_of(pid, name):
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            if file.read().strip() == name:
                return int(thread)
    raise Failure(f"process {pid} has no thread {name}")


def state_of(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def stalled(pid, name):
    """The thread of that name stands still within. Only from the scenario's main thread."""
    thread = thread_of(pid, name)
    ptrace(PTRACE_SEIZE, thread)
    ptrace(PTRACE_INTERRUPT, thread)
    wait_for(lambda: state_of(pid, thread) == "t", f"{name} stands still", 5, every=0.01)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH, thread)
