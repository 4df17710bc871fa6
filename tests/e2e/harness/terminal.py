# SPDX-License-Identifier: GPL-2.0-only
"""A program that wants a terminal, in tmux: what is typed, what it shows."""
import time

from .check import wait_for


class Terminal:
    def __init__(self, host, command, env=None):
        self.host = host
        self.words = ["tmux", "-S", host.path("tmux"), "-f", "/dev/null"]
        host.must([*self.words, "new-session", "-d", "-x", "160", "-y", "50", "--", *command],
                  env={"TERM": "screen", **(env or {})})

    def type(self, text):
        """One line and the return key."""
        self.host.must([*self.words, "send-keys", "-l", text])
        self.host.must([*self.words, "send-keys", "Enter"])

    def key(self, name):
        self.host.must([*self.words, "send-keys", name])

    def shown(self):
        return self.host.run([*self.words, "capture-pane", "-p"])[1]

    def wait_shown(self, text, seconds=10):
        wait_for(lambda: text in self.shown(), f"{text!r} on the terminal of {self.host.name}; it shows:\n"
                 f"{self.shown()}", seconds, 0.2)

    def close(self, seconds=5):
        """Ends the program, and waits until it has: the counters must come to rest."""
        self.host.run([*self.words, "kill-server"])
        deadline = time.monotonic() + seconds
        while self.host.run([*self.words, "list-sessions"])[0] == 0 and time.monotonic() < deadline:
            time.sleep(0.1)
