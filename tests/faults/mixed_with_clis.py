# SPDX-License-Identifier: MIT
"""credpool and the CLIs themselves refresh the same logins at the same time."""
import json
import os
import unittest

from loop import NEEDS_TLS, OK, OUTCOME_UNKNOWN, TRY_LATER, LoopCase, RefreshWorld, count, dice, say, until
from refresh_world import REFRESH

CYCLES = count("MIXED_CYCLES", 3, 9, 250)
OURS = count("MIXED_OURS", 4, 8, 8)
THEIRS = count("MIXED_THEIRS", 3, 4, 8)
LOCKING = os.environ.get("CREDPOOL_FAULT_MIXED", "kimi-cli,kimi-code,qwen-cli,claude-cli").split(",")


class Mixed(LoopCase):
    def together(self, world, cli: str, random, *played: str, first=None, meanwhile=None) -> tuple[list[int], list[str]]:
        """One round: the exit codes of ours, what each of theirs did. In any order, or one side first and
        `meanwhile()` before the other begins."""
        starts = ["ours"] * OURS + ["theirs"] * THEIRS
        random.shuffle(starts)
        if first:
            starts.sort(key=lambda who: who != first)
        ours, theirs = [], []
        for n, who in enumerate(starts):
            if first and who != first and starts[n - 1] == first:
                meanwhile()
            if who == "ours":
                ours.append(world.start(*REFRESH, cli))
            else:
                theirs.append(world.play(cli, *played))
        told = [each.communicate(timeout=120) for each in ours]
        did = [json.loads(each.communicate(timeout=120)[0])["did"] for each in theirs]
        codes = [each.returncode for each in ours]
        self.assertEqual([code for code in codes if code not in (OK, TRY_LATER)], [], f"{cli}: {told} {did}")
        return codes, did

    def test_clis_with_a_lock_and_us_make_one_spend(self):
        random = dice()
        with RefreshWorld(tls=bool(NEEDS_TLS & set(LOCKING))) as world:
            for cli in LOCKING:
                with self.subTest(cli=cli):
                    world.seed(cli)
                    by_them = 0
                    for cycle in range(CYCLES):
                        if cycle:
                            world.age(cli)
                        # In turns: ours has rotated and not stored when the CLIs come; any order; the reverse.
                        first = ("ours", None, "theirs")[cycle % 3]
                        world.set(answer_delay_ms=1500 if first else 100)
                        codes, did = self.together(
                            world, cli, random, first=first,
                            meanwhile=lambda: until(lambda: world.family(cli)["spends"] > cycle, 60, "a spend"))
                        by_them += did.count("refreshed")
                        family = world.family(cli)
                        self.assertEqual((family["spends"], family["reuse"]), (cycle + 1, 0), f"{cycle}: {codes} {did}")
                        self.assertTrue(world.holds_live_token(cli), f"{cycle}: {codes} {did}")
                    say(f"{cli}: {CYCLES} cycles of {OURS} credpool and {THEIRS} CLIs: {CYCLES} spends, "
                        f"{by_them} of them by the CLI, 0 lost")
                    self.assertTrue(0 < by_them < CYCLES, f"{cli}: only one side ever came first")

    @unittest.skipUnless("kimi-code" in LOCKING, "the codex part runs with the whole list")
    def test_codex_finds_a_fresh_token_because_we_go_earlier(self):
        """Codex spends without a lock from 300 s on; we do from 600 s on."""
        random = dice()
        for variant in ((), ("--old", "--slow-write", "0.2")):
            with self.subTest(variant=variant), RefreshWorld() as world:
                world.seed("codex-cli", left=400)
                for cycle in range(CYCLES):
                    if cycle:
                        world.age("codex-cli", left=400)
                    codes, did = self.together(world, "codex-cli", random, *variant)
                    self.assertEqual(set(did), {"fresh"})
                    family = world.family("codex-cli")
                    self.assertEqual((family["spends"], family["reuse"]), (cycle + 1, 0), f"{cycle}: {codes}")
                    self.assertTrue(world.holds_live_token("codex-cli"))
                say(f"codex {variant}: {CYCLES} cycles of {OURS} credpool and {THEIRS} CLIs: {CYCLES} spends, 0 reuses")

    @unittest.skipUnless("kimi-code" in LOCKING, "the codex part runs with the whole list")
    def test_codex_that_refreshes_first_is_adopted(self):
        """Also the old one, which leaves half a file for a while."""
        for variant in ((), ("--old", "--slow-write", "0.6")):
            with self.subTest(variant=variant), RefreshWorld() as world:
                for cycle in range(CYCLES):
                    self.settle(world, cli="codex-cli")
                    theirs = world.play("codex-cli", *variant)
                    while world.family("codex-cli")["spends"] == 0 or (theirs.poll() is None and not variant):
                        pass  # until the server has answered; the old one is now about to write
                    done = world.refresh("codex-cli")
                    did = json.loads(theirs.communicate(timeout=60)[0])["did"]
                    if did == "refreshed" and done.returncode == OK:
                        self.assertTrue(world.holds_live_token("codex-cli"))
                        self.assertEqual(world.family("codex-cli")["reuse"], 0)
                    else:  # both spent: the family is dead, and we do not keep silent about it
                        self.assertNotEqual(done.returncode, OUTCOME_UNKNOWN)
                        self.assertFalse(self.saved_or_told(world, "codex-cli"))
                    world.logins.pop("codex-cli")


if __name__ == "__main__":
    unittest.main()
