# SPDX-License-Identifier: MIT
"""SIGKILL of the caller, or of its whole process group, at a random moment of a refresh: never a lost login."""
import os
import random
import signal
import statistics
import subprocess
import time
import unittest

from loop import CLI, SEED, LoopCase, RefreshWorld, count, in_processes, say, world_of_the_login
from refresh_world import REFRESH

KILLS = count("KILLS", 20, 1_000, 10_000)
# Homes at one server, each with a process of its own that kills: it is mostly waits, and they wait together.
HOMES = count("KILL_HOMES", 4, 6, 6)


class KillCaller(LoopCase):
    def kills(self, server: RefreshWorld, share: int, number: int) -> tuple[int, float]:
        """That many kills in a home of its own: how many came in time, and how long a whole refresh takes."""
        dice = random.Random(SEED + number)
        with server.sibling() as world:
            whole = []
            for _ in range(5):
                self.settle(world)
                begin = time.monotonic()
                self.assert_saved(world)
                whole.append(time.monotonic() - begin)
            span, in_time = statistics.median(whole), 0
            for n in range(share):
                self.settle(world)
                before = world.family(CLI)["spends"]
                process = world.start(*REFRESH, CLI, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True)
                time.sleep(dice.random() * span)
                (os.killpg if n % 2 else os.kill)(process.pid, signal.SIGKILL)
                in_time += process.wait() == -signal.SIGKILL
                self.assert_saved(world)
                self.assertEqual(world.family(CLI)["spends"], before + 1, f"home {number}, kill {n}")
            return in_time, span

    def test_a_killed_caller_loses_nothing(self):
        say(f"CREDPOOL_SEED={SEED}")
        with world_of_the_login() as server:
            server.set(answer_delay_ms=80)  # most kills come between the send and the answer
            begin = time.monotonic()
            done = in_processes(lambda number: self.kills(server, len(range(number, KILLS, HOMES)), number), HOMES)
            in_time, span = sum(killed for killed, _ in done), statistics.median(span for _, span in done)
            counts = server.counts()
            say(f"{KILLS} SIGKILLs in {time.monotonic() - begin:.0f} s, {in_time} while the caller ran, half of them to "
                f"its process group; a refresh took {span * 1000:.0f} ms; {counts['refreshes']} spends, 0 lost")
            self.assertEqual((counts["reuse"], counts["delivered_again"]), (0, 0))
            self.assertEqual(counts["refreshes"], KILLS + 5 * HOMES)
            self.assertGreater(in_time, KILLS // 4, "the caller had mostly ended before it was killed")


if __name__ == "__main__":
    unittest.main()
