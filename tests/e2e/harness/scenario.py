# SPDX-License-Identifier: GPL-2.0-only
"""How a scenario describes itself."""
import importlib.util
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios")
HOOKS = ("native", "tc")


def scenario(summary, hooks=HOOKS, seconds=60, long=False):
    """Marks a file's one function. seconds: after which the runner ends it. long: only by name."""
    def mark(function):
        function.scenario = {"summary": summary, "hooks": tuple(hooks), "seconds": seconds,
                             "long": long}
        return function
    return mark


def names():
    return sorted(name[:-3] for name in os.listdir(FOLDER)
                  if name.endswith(".py") and not name.startswith("_"))


def load(name):
    """The function of scenarios/NAME.py."""
    path = os.path.join(FOLDER, name + ".py")
    spec = importlib.util.spec_from_file_location(f"scenarios.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [value for value in vars(module).values() if hasattr(value, "scenario")]
    if len(found) != 1:
        raise ValueError(f"{path} has {len(found)} scenarios, expected one")
    return found[0]
