# SPDX-License-Identifier: MIT
"""SIGKILL of the caller, or of its whole process group, at a random moment of a refresh: never a lost login."""
import os
import signal
import statistics
import subprocess
import time
import unittest

from loop import CLI, LoopCase, RefreshWorld, count, dice, say

KILLS = count("KILLS", 20, 1_000, 10_000)


class KillCaller(LoopCase):
    def test_a_killed_caller_loses_nothing(self):
        random = dice()
        with RefreshWorld() as world:
            world.set(answer_delay_ms=80)  # most kills come between the send and the answer
            whole = []
            for _ in range(5):
                self.settle(world)
                begin = time.monotonic()
                self.assert_saved(world)
                whole.append(time.monotonic() - begin)
            span = statistics.median(whole)
            in_time = 0
            for n in range(KILLS):
                self.settle(world)
                before = world.family(CLI)["spends"]
                process = world.start("refresh", "--method", "oauth-refresh", "--ownership", "co_own", "--json", CLI,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(random.random() * span)
                (os.killpg if n % 2 else os.kill)(process.pid, signal.SIGKILL)
                in_time += process.wait() == -signal.SIGKILL
                self.assert_saved(world)
                self.assertEqual(world.family(CLI)["spends"], before + 1, f"kill {n}")
            say(f"{KILLS} SIGKILLs, {in_time} while the caller ran, half of them to its process group; "
                f"a refresh took {span * 1000:.0f} ms; 0 lost")
            self.assertEqual(world.counts()["reuse"], 0)
            self.assertGreater(in_time, KILLS // 4, "the caller had mostly ended before it was killed")


if __name__ == "__main__":
    unittest.main()
