# SPDX-License-Identifier: GPL-2.0-only
"""Processes the harness starts: each in a session of its own, logged to a file, ended by its id."""
import ctypes
import os
import signal
import subprocess
import time

from .check import Failure, wait_for

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(sig=signal.SIGKILL):
    """In a child between fork and exec: a harness that is killed must leave no client running."""
    _libc.prctl(PR_SET_PDEATHSIG, int(sig))


class Process:
    """A running program. log_path holds its output; started only from the main thread."""

    def __init__(self, command, log_path, env=None, cwd=None):
        self.command = [str(word) for word in command]
        self.log_path = log_path
        with open(log_path, "ab") as log:
            log.write(f"$ {' '.join(self.command)}\n".encode())
            log.flush()
            self.popen = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env, cwd=cwd,
                start_new_session=True, preexec_fn=die_with_parent)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def wait_log(self, text, seconds=10.0):
        """Waits until the program has written text."""
        def written():
            if text in self.log():
                return True
            if not self.running():
                raise Failure(f"{self.command} ended with {self.popen.returncode} before it wrote "
                              f"{text!r}:\n{self.log()[-2000:]}")
            return False
        wait_for(written, f"{text!r} in the log of {self.command}", seconds)

    def wait(self, seconds=10.0):
        """Waits for the end; returns the exit status."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {seconds:g} s: {self.command}\n"
                          f"{self.log()[-2000:]}") from None

    def signal(self, sig):
        """Signals the whole group; a group that has ended is no error."""
        try:
            os.killpg(self.pid, sig)
        except ProcessLookupError:
            pass

    def stop(self, seconds=3.0):
        """SIGTERM, then SIGKILL: for clients whose end is not what the scenario is about."""
        stop_all([self], seconds)


def stop_all(processes, seconds=3.0):
    """Ends many at once, so that slow ones are waited for together."""
    for process in processes:
        if process.running():
            process.signal(signal.SIGTERM)
            process.signal(signal.SIGCONT)
    deadline = time.monotonic() + seconds
    for process in processes:
        try:
            process.popen.wait(max(0.01, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.signal(signal.SIGKILL)
            process.popen.wait(5)
        process.signal(signal.SIGKILL)


def run(command, seconds=20.0, stdin=None, env=None, cwd=None):
    """Runs to the end: (exit status, standard output, standard error)."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                              timeout=seconds, env=env, cwd=cwd, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        raise Failure(f"no end within {seconds:g} s: {command}") from None
    return done.returncode, done.stdout, done.stderr


def must(command, seconds=20.0, stdin=None, env=None, cwd=None):
    """Runs to the end and returns the standard output; any other end than success fails."""
    status, out, err = run(command, seconds, stdin, env, cwd)
    if status != 0:
        raise Failure(f"exit status {status}: {' '.join(map(str, command))}\n{err[-2000:]}")
    return out
