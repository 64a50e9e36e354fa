# SPDX-License-Identifier: MIT
"""Many processes want the same old login at once: one spend for all of them, each time."""
import time
import unittest

from loop import CLI, OK, LoopCase, count, say, world_of_the_login
from refresh_world import REFRESH

PROCESSES = count("PROCESSES", 16, 64, 64)
CYCLES = count("CYCLES", 3, 20, 100)


class ManyProcesses(LoopCase):
    def test_one_spend_for_all(self):
        with world_of_the_login() as world:
            world.seed(CLI)
            world.set(answer_delay_ms=1000)  # long enough for all of them to be there
            slowest = 0.0
            for cycle in range(CYCLES):
                if cycle:
                    world.age(CLI)
                begin = time.monotonic()
                running = [world.start(*REFRESH, CLI) for _ in range(PROCESSES)]
                ended = [(each.communicate(timeout=120), each.returncode) for each in running]
                slowest = max(slowest, time.monotonic() - begin)
                failed = {code: output for output, code in ended if code != OK}
                self.assertFalse(failed, f"cycle {cycle}, one output for each exit code")
                family = world.family(CLI)
                self.assertEqual((family["spends"], family["reuse"]), (cycle + 1, 0), f"cycle {cycle}")
                self.assertTrue(world.holds_live_token(CLI))
            counts = world.counts()
            self.assertEqual((counts["refreshes"], counts["reuse"], counts["delivered_again"]), (CYCLES, 0, 0))
            say(f"{PROCESSES} processes x {CYCLES} cycles: {counts['refreshes']} spends, 0 reuses; "
                f"slowest cycle {slowest:.2f} s")


if __name__ == "__main__":
    unittest.main()
