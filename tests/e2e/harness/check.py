# SPDX-License-Identifier: GPL-2.0-only
"""How a scenario fails, skips, and waits for an event."""
import time


class Failure(Exception):
    """The scenario saw something that must not be."""


class Skip(Exception):
    """The scenario cannot run here; the text names what is missing."""


def check(condition, text):
    """Fails the scenario with text unless condition holds."""
    if not condition:
        raise Failure(text)


def check_equal(seen, wanted, what):
    check(seen == wanted, f"{what}: {seen!r}, expected {wanted!r}")


def wait_for(condition, what, seconds=10.0, every=0.1):
    """Calls condition until it is true and returns its value; fails when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:g} s: {what} (last seen: {value!r})")
        time.sleep(every)


def hold_for(condition, what, seconds, every=0.2):
    """Fails as soon as condition is false during the given time: for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        check(value, f"{what} (seen: {value!r})")
        time.sleep(every)
