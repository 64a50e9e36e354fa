# SPDX-License-Identifier: MIT
"""Each system call that can fail fails once, n = 1, 2, ... until it is no longer reached: no crash, no lost
login, no descriptor left open."""
import errno
import subprocess
import unittest

from loop import CLI, LoopCase, RefreshWorld, count, say
from refresh_world import REFRESH, program
from syscall_tracer import SUPPORTED, Tracer

# At most so many failures of one call; the last ones are the interesting ones only in the longer levels.
DEEPEST = count("SWEEP_DEPTH", 5, 5, 10_000)
ERRORS = ["EIO", "ENOSPC", "EMFILE", "EACCES"] if count("SWEEP_ERRORS", 1, 1, 4) > 1 else ["EIO"]
CALLS = {"openat": ["EMFILE", "EACCES"], "write": ["ENOSPC"], "pwrite64": ["ENOSPC"], "fsync": [], "fdatasync": [],
         "msync": [], "renameat2": [], "rename": [], "unlink": [], "connect": [], "socket": ["EMFILE"],
         "fallocate": ["ENOSPC"], "ftruncate": [], "flock": [], "close": []}
# 0 to 5 are ours; 127 is the loader's, when the failing call is one of its own.
EXITS = {0, 1, 2, 4, 5, 127}


class FailOnce:
    """The n-th call of that name fails; from the helper's first lock on, or from the caller's start."""

    def __init__(self, name: str, code: int, n: int, from_lock: bool):
        self.name, self.code, self.left, self.locked = name, code, n, not from_lock
        self.hit, self.at_exit = False, {}

    def __call__(self, stop):
        if stop.name == "exit_group":
            self.at_exit[stop.group] = stop.open_descriptors()
        self.locked |= stop.name == "flock"
        if not self.locked or stop.name != self.name or self.hit:
            return None
        self.left -= 1
        if self.left > 0:
            return None
        self.hit = True
        return self.code


@unittest.skipUnless(SUPPORTED, "the tracer knows x86-64 only")
class FaultSweep(LoopCase):
    def traced(self, world, watch, of: str) -> int:
        return Tracer([*program(), *REFRESH, CLI], watch, of, cwd=world.home, env=world.environment(),
                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).run()

    def kept_open(self, descriptors: list[str]) -> int:
        """Without the one pipe to the helper, whose end a thread of the caller still sees when all else is done."""
        pipes = sum(each.startswith("pipe:") for each in descriptors)
        return len(descriptors) - min(pipes, 1)

    def sweep(self, of: str) -> None:
        from_lock = of == "helper"
        with RefreshWorld() as world:
            self.settle(world)
            clean = FailOnce("none", 0, 1, from_lock)
            self.assertEqual(self.traced(world, clean, of), 0)
            most = max(map(self.kept_open, clean.at_exit.values()))
            runs = 0
            for name, more in CALLS.items():
                for error in dict.fromkeys([*ERRORS, *more]):
                    for n in range(1, DEEPEST + 1):
                        self.settle(world)
                        fault = FailOnce(name, getattr(errno, error), n, from_lock)
                        code = self.traced(world, fault, of)
                        place = f"{of}: {name} #{n} answers {error}: exit {code}"
                        if not fault.hit:
                            break
                        runs += 1
                        self.assertIn(code, EXITS, place)
                        for descriptors in fault.at_exit.values():
                            self.assertLessEqual(self.kept_open(descriptors), most, f"{place}: left open: {descriptors}")
                        world.forget(world.logins[CLI].file)
                        self.assertTrue(self.saved_or_told(world), f"{place}: the login is lost")
                        self.assertEqual(world.family(CLI)["reuse"], 0, place)
            say(f"{of}: {runs} injected failures of {len(CALLS)} calls: 0 crashes, 0 lost, at most {most} open "
                f"descriptors at the end as without a failure")
            self.assertGreater(runs, 10)

    def test_of_the_helper(self):
        self.sweep("helper")

    def test_of_the_caller(self):
        self.sweep("caller")


if __name__ == "__main__":
    unittest.main()
