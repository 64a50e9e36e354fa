# SPDX-License-Identifier: MIT
"""history: the seed's format and place, and the chain that shows changes."""
import json
import os
import pathlib
import stat
import subprocess
import unittest

from demo_world import PROGRAM, World

# What the seed's entries have (docs/cli.md).
MEMBERS = {"cli", "provider", "profileId", "detectedAt", "usageCount", "tokenHash", "status",
           "consecutiveFailures"}


def own_place(world):
    return world.home / ".local/state/credpool/history.json"


class History(unittest.TestCase):
    def test_the_seeds_format(self):
        with World(demo=True) as world:
            world.json("scan")
            document = json.loads(own_place(world).read_text())
            self.assertEqual(document["version"], 1)
            self.assertRegex(document["lastScanAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
            self.assertTrue(document["discovered"])
            for entry in document["discovered"]:
                self.assertTrue(MEMBERS <= set(entry), MEMBERS - set(entry))
                self.assertRegex(entry["tokenHash"], r"^sha256:[0-9a-f]{64}$")
                self.assertEqual(entry["usageCount"], 0)
            self.assertEqual(stat.S_IMODE(own_place(world).stat().st_mode), 0o600)

    def test_beside_openclaw_it_lies_in_its_directory(self):
        with World(demo=True) as world:
            (world.home / ".openclaw").mkdir()
            world.json("scan")
            place = world.home / ".openclaw/cli-token-history.json"
            self.assertTrue(place.exists())
            self.assertFalse(own_place(world).exists())
            self.assertEqual(world.json("history")["path"], str(place))
            for path in (world.home / ".openclaw").iterdir():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_it_follows_the_state_directory(self):
        with World(demo=True) as world:
            world.run("--state-dir", str(world.home / "ours"), "scan", check=True)
            self.assertTrue((world.home / "ours/history.json").exists())
            self.assertFalse((world.home / ".local/state").exists())

    def test_limit_and_cli(self):
        with World(demo=True) as world:
            world.json("scan")
            self.assertEqual(len(world.json("history", "--limit", "3")["discovered"]), 3)
            world.json("acquire", "--pin", "openai:default")
            newest = world.json("history", "--limit", "1")["discovered"]
            self.assertEqual([(e["profileId"], e["usageCount"]) for e in newest], [("openai:default", 1)])
            kimi = world.json("history", "--cli", "kimi-code")["discovered"]
            self.assertTrue(kimi)
            self.assertEqual({e["cli"] for e in kimi}, {"kimi-code"})

    def test_export(self):
        with World(demo=True) as world:
            world.json("scan")
            shown = json.loads(world.run("history", "--export", "-", check=True).stdout)
            target = world.home / "export.json"
            world.run("history", "--export", str(target), check=True)
            self.assertEqual(json.loads(target.read_text()), shown)
            self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)
            self.assertEqual(len(shown["discovered"]),
                             len(json.loads(own_place(world).read_text())["discovered"]))
            done = world.run("history", "--export", str(world.home / "nowhere/export.json"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("nowhere", done.stderr)

    def test_clear_asks(self):
        with World(demo=True) as world:
            world.json("scan")
            count = len(world.json("history")["discovered"])
            done = subprocess.run([PROGRAM, "history", "--clear"], env=world.environment(),
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  start_new_session=True)
            self.assertEqual(done.returncode, 3)
            self.assertIn("--yes", done.stderr)
            code, screen = world.in_terminal("history", "--clear", typed="n\n")
            self.assertNotEqual(code, 0, screen)
            self.assertEqual(len(world.json("history")["discovered"]), count)
            code, screen = world.in_terminal("history", "--clear", typed="y\n")
            self.assertEqual(code, 0, screen)
            self.assertEqual(world.json("history")["discovered"], [])
            world.json("scan")
            world.run("history", "--clear", "--yes", check=True)
            self.assertEqual(world.json("history")["discovered"], [])
            self.assertTrue(world.json("history", "--verify")["ok"])

    def test_verify_shows_what_was_changed(self):
        with World(demo=True) as world:
            self.assertTrue(world.json("history", "--verify")["ok"])  # nothing there yet
            world.json("scan")
            good = world.json("history", "--verify")
            self.assertTrue(good["ok"])
            self.assertGreater(good["records"], 0)
            text = own_place(world).read_text()
            chain = pathlib.Path(str(own_place(world)) + ".chain.jsonl")
            records = chain.read_text()

            own_place(world).write_text(text.replace('"usageCount": 0', '"usageCount": 7', 1))
            self.assertFalse(world.json("history", "--verify", code=1)["ok"])
            own_place(world).write_text(text)

            chain.write_text("".join(records.splitlines(keepends=True)[:-2]))
            self.assertFalse(world.json("history", "--verify", code=1)["ok"])
            chain.write_text(records.replace("discovered", "discovereb", 1))
            broken = world.json("history", "--verify", code=1)
            self.assertTrue(broken["problem"])
            self.assertIn("changed", world.run("history", "--verify").stdout)
            chain.write_text(records)
            self.assertTrue(world.json("history", "--verify")["ok"])

    def test_foreign_members_stay(self):
        with World(demo=True) as world:
            world.json("scan")
            document = json.loads(own_place(world).read_text())
            document["somebodyElses"] = {"keep": [1, 2]}
            document["discovered"][0]["note"] = "mine"
            own_place(world).write_text(json.dumps(document))
            world.json("scan")
            after = json.loads(own_place(world).read_text())
            self.assertEqual(after["somebodyElses"], {"keep": [1, 2]})
            self.assertEqual(after["discovered"][0]["note"], "mine")

    def test_a_file_that_cannot_be_parsed_is_set_aside_and_said_so(self):
        with World(demo=True) as world:
            own_place(world).parent.mkdir(parents=True, mode=0o700)
            own_place(world).write_text("{ not json")
            own_place(world).chmod(0o600)
            done = world.run("history")
            self.assertEqual(done.returncode, 1)
            self.assertIn("history.json", done.stderr)
            done = world.run("scan", check=True)
            self.assertIn("moved to", done.stderr)
            kept = [p for p in own_place(world).parent.iterdir() if ".corrupt-" in p.name]
            self.assertEqual([p.read_text() for p in kept], ["{ not json"])
            self.assertTrue(world.json("history")["discovered"])

    def test_an_empty_history_says_what_fills_it(self):
        with World() as world:
            self.assertIn("credpool scan", world.run("history", check=True).stdout)
            self.assertEqual(world.json("history")["discovered"], [])
            self.assertFalse(own_place(world).exists())


if __name__ == "__main__":
    unittest.main()
