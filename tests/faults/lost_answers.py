# SPDX-License-Identifier: MIT
"""The answer of a rotation never arrives, or arrives as nonsense: "outcome unknown", and one late retry at most."""
import concurrent.futures
import os
import time
import unittest

from loop import CLI, LOGIN_NEEDED, OK, OUTCOME_UNKNOWN, TRY_LATER, LoopCase, RefreshWorld, count, say, told, until

DROPS = count("DROPS", 2, 4, 1_000)
AT_ONCE = 16
RETRY_AFTER = 10  # seconds: see docs/refresh.md
# Reached over TLS, through a proxy; besides the one login.
SEALED = os.environ.get("CREDPOOL_FAULT_SEALED", f"{CLI},qwen-cli,claude-cli").split(",")
KINDS = ["drop", "close", "truncate", "html", "garbage"]


class LostAnswers(LoopCase):
    def one(self, server: RefreshWorld, kind: str, ends_with: int) -> int:
        """One lost answer in a home of its own: how many token requests its login cost."""
        with server.sibling() as world:
            login = world.seed(CLI)
            before = login.file.read_text()
            # The fault is for this login's token alone: others run at the same time.
            world.proxy.plan(kind, spends=login.first.refresh_hash)
            begin = time.monotonic()
            done = world.refresh(CLI)
            self.assertEqual(done.returncode, OUTCOME_UNKNOWN, f"{kind}: {told(done)}")
            self.assertEqual(login.file.read_text(), before, f"{kind}: its file was touched")
            self.assertEqual(world.proxy.bodies()[login.first.refresh_hash], 1, f"{kind}: sent more than once")
            again = world.refresh(CLI)
            if time.monotonic() - begin < RETRY_AFTER:  # else this call may be the late retry
                self.assertIn(again.returncode, (TRY_LATER, OUTCOME_UNKNOWN), f"{kind}, at once: {told(again)}")
                self.assertEqual(world.proxy.bodies()[login.first.refresh_hash], 1, f"{kind}: the retry is not late")
            ended = []

            def finished() -> bool:
                ended.append(world.refresh(CLI))
                return ended[-1].returncode in (OK, LOGIN_NEEDED)

            until(finished, 60, f"{kind}: the late retry")
            self.assertEqual(ended[-1].returncode, ends_with, f"{kind}: {told(ended[-1])}")
            world.refresh(CLI)  # and not a request more
            times = world.proxy.bodies()[login.first.refresh_hash]
            self.assertLessEqual(times, 2, f"{kind}: retried more than once")
            self.assertEqual(world.holds_live_token(CLI), ends_with == OK)
            return times

    def many(self, server: RefreshWorld, ends_with: int) -> None:
        kinds = [KINDS[n % len(KINDS)] for n in range(DROPS * len(KINDS))]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            times = list(pool.map(lambda kind: self.one(server, kind, ends_with), kinds))
        say(f"{len(times)} lost answers: all told, {sum(times) - len(times)} late retries, none twice")

    def test_strict_server(self):
        with RefreshWorld(proxy=True) as server:
            self.many(server, LOGIN_NEEDED)

    def test_server_with_a_grace_time_loses_none(self):
        with RefreshWorld(proxy=True, grace=600) as server:
            self.many(server, OK)

    def test_nothing_arrived_and_the_retry_saves_the_login(self):
        """The server closes without reading: every body is delivered once, also over TLS."""
        with RefreshWorld(proxy=True, tls=True) as server:
            for cli in SEALED:
                with self.subTest(cli=cli), server.sibling() as world:
                    login = world.seed(cli)
                    world.proxy.plan("close_unsent", spends=login.first.refresh_hash)
                    done = world.refresh(cli)
                    self.assertEqual(done.returncode, OUTCOME_UNKNOWN, told(done))
                    self.assertEqual(world.proxy.bodies()[login.first.refresh_hash], 1)
                    until(lambda: world.refresh(cli).returncode == OK, 60, "the late retry")
                    self.assertTrue(world.holds_live_token(cli))
                    self.assertEqual(world.proxy.bodies()[login.first.refresh_hash], 2)


if __name__ == "__main__":
    unittest.main()
