# SPDX-License-Identifier: MIT
"""SIGKILL of the helper at each of its system calls, from the first lock to its end.

A login may be lost only between the send and the journal's record of the answer, and then the next call
says so; with a server that has a grace time none may be lost at all.
"""
import concurrent.futures
import contextlib
import subprocess
import unittest

from loop import CLI, LoopCase, RefreshWorld, count, say
from refresh_world import REFRESH, program
from syscall_tracer import SUPPORTED, Tracer

# How many of the calls are tried, spread evenly; the window around the send always whole.
POINTS = count("KILL_POINTS", 24, 48, 100_000)
ROUNDS = count("KILL_ROUNDS", 1, 1, 20)
AT_ONCE = 16
RECEIVES, SYNCS = {"recvfrom", "recvmsg"}, {"fdatasync", "fsync", "msync"}
SENT = "sendto of the token"


class Trail:
    """The helper's calls since its first lock, in one run."""

    def __init__(self, kill_at: int | None = None):
        self.kill_at, self.names = kill_at, []

    def __call__(self, stop):
        if self.names or stop.name == "flock":
            self.names.append(SENT if stop.sends_a_token() else stop.name)
        return "kill" if self.kill_at is not None and len(self.names) == self.kill_at + 1 else None

    def sent(self) -> int | None:
        """Index of the call that begins to send the token."""
        return next((n for n, name in enumerate(self.names) if name == SENT), None)

    def recorded(self) -> int | None:
        """Index of the call that makes the received answer durable."""
        received = max((n for n, name in enumerate(self.names) if name in RECEIVES), default=None)
        if received is None:
            return None
        return next((n for n, name in enumerate(self.names) if n > received and name in SYNCS), None)

    def in_window(self) -> bool:
        """Whether the kill came after the send began and before the record was durable."""
        recorded = self.recorded()
        return self.sent() is not None and (recorded is None or self.kill_at <= recorded)


@unittest.skipUnless(SUPPORTED, "the tracer knows x86-64 only")
class KillHelper(LoopCase):
    def run_traced(self, world, watch) -> int:
        return Tracer([*program(), *REFRESH, CLI], watch, cwd=world.home, env=world.environment(),
                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).run()

    def points(self, world) -> list[int]:
        self.settle(world)
        clean = Trail()
        self.assertEqual(self.run_traced(world, clean), 0)
        total, sent, recorded = len(clean.names), clean.sent(), clean.recorded()
        self.assertTrue(total, "no helper took a lock: the exchange ran in the caller")
        self.assertIsNotNone(sent, clean.names)
        self.assertIsNotNone(recorded, "the answer is never made durable after it came")
        say(f"{total} system calls of the helper from lock to end; sent at {sent}, recorded at {recorded}")
        spread = {n * total // POINTS for n in range(POINTS)} if POINTS < total else set(range(total))
        return sorted(spread | set(range(sent, min(total, recorded + 3))))

    def kill_at_each(self, world) -> list[tuple[int, str]]:
        """Kills at each point; the lost ones as (index, name)."""
        killed, lost = [], []
        points = self.points(world) * ROUNDS
        with contextlib.ExitStack() as homes:
            # Each in a home of its own: the late retry waits, and they can all wait together.
            for n in points:
                home = homes.enter_context(world.sibling())
                home.seed(CLI)
                trail = Trail(n)
                self.run_traced(home, trail)
                home.forget(home.logins[CLI].file)
                killed.append((home, trail))
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                alive = list(pool.map(self.saved_or_told, [home for home, _ in killed]))
        for trail in [trail for (_, trail), lives in zip(killed, alive, strict=True) if not lives]:
            place = f"call {trail.kill_at}, {trail.names[-1]}"
            self.assertTrue(trail.in_window(), f"lost outside the window: {place}; after {trail.names[-8:-1]}")
            lost.append((trail.kill_at, trail.names[-1]))
        say(f"{len(points)} kills, {len(lost)} lost, each told: {sorted(set(lost))}")
        return lost

    def test_a_strict_server_loses_only_in_the_window_and_never_silently(self):
        with RefreshWorld() as world:
            self.kill_at_each(world)

    def test_a_grace_time_loses_none(self):
        with RefreshWorld(grace=600) as world:
            self.assertEqual(self.kill_at_each(world), [])


if __name__ == "__main__":
    unittest.main()
