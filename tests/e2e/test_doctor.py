# SPDX-License-Identifier: MIT
"""doctor: what is wrong, and the command that mends it."""
import json
import os
import subprocess
import time
import unittest

from demo_world import World
from refresh_world import RefreshWorld, program


def findings(world, code=0):
    return world.json("doctor", code=code)["findings"]


def about(found, words):
    return [f for f in found if words in f["what"]]


class Doctor(unittest.TestCase):
    def test_a_clean_home(self):
        with World() as world:
            self.assertEqual(world.json("doctor"), {"ok": True, "findings": []})
            self.assertEqual(world.run("doctor", check=True).stdout, "All is well.\n")
            self.assertFalse((world.home / ".local").exists())

    def test_what_it_finds_in_the_demo_home(self):
        with World(demo=True) as world:
            found = findings(world)
            copied, = about(found, "single-use login")
            self.assertIn(".claude/.credentials.json", copied["where"])
            self.assertIn("opencode/auth.json", copied["where"])
            self.assertEqual(copied["severity"], "warning")
            loose, = about(found, "readable by others")
            self.assertIn("amp/secrets.json", loose["where"])
            subprocess.run(["sh", "-c", loose["repair"]], check=True)
            self.assertEqual(about(findings(world), "readable by others"), [])
            ended, = about(found, "service that has ended")
            self.assertIn(".qwen/oauth_creds.json", ended["where"])
            self.assertTrue(about(found, "not on PATH"))
            for finding in found:
                self.assertTrue(finding["where"] and finding["repair"], finding)
            self.assertIn("Nothing is broken", world.run("doctor", check=True).stdout)

    def test_loose_modes_of_our_own_files_are_errors(self):
        with World(demo=True) as world:
            world.json("scan", "--import")
            ours = world.home / ".local/state/credpool"
            for path, mode in ((ours, 0o755), (ours / "state.sqlite", 0o644), (ours / "history.json", 0o640)):
                before = path.stat().st_mode
                path.chmod(mode)
                bad = [f for f in findings(world, code=1) if f["severity"] == "error"]
                self.assertEqual([f["where"] for f in bad], [str(path)])
                subprocess.run(["sh", "-c", bad[0]["repair"]], check=True)
                self.assertEqual(path.stat().st_mode, before)
                findings(world)

    def test_a_secret_in_clear_in_our_files_is_found(self):
        with World(demo=True) as world:
            world.json("scan", "--import")
            planted = world.home / ".local/state/credpool/notes.txt"
            planted.write_text("remember: demo-codex-valid-refresh\n")
            planted.chmod(0o600)
            bad, = about(findings(world, code=1), "in clear")
            self.assertEqual(bad["where"], str(planted))
            done = world.run("doctor")
            self.assertEqual(done.returncode, 1)
            self.assertIn("notes.txt", done.stdout)
            self.assertNotIn("demo-codex-valid-refresh", done.stdout + done.stderr)

    def test_a_history_changed_by_hand(self):
        with World(demo=True) as world:
            world.json("scan")
            path = world.home / ".local/state/credpool/history.json"
            path.write_text(path.read_text().replace('"usageCount": 0', '"usageCount": 9', 1))
            changed, = about(findings(world), "changed by hand")
            self.assertEqual(changed["where"], str(path))

    def test_a_store_written_in_the_future(self):
        with World(demo=True) as world:
            path = world.home / ".codex/auth.json"
            os.utime(path, (4102444800, 4102444800))
            jumped, = about(findings(world), "in the future")
            self.assertEqual(jumped["where"], str(path))

    def test_a_wrong_configuration_is_told_and_the_rest_looked_at(self):
        with World(demo=True) as world:
            path = world.home / ".config/credpool/config.json5"
            path.write_text('{ "rotationStrategy": 7 }')
            found = findings(world, code=1)
            self.assertTrue([f for f in found if f["severity"] == "error" and str(path) in f["where"]], found)


class Stranded(unittest.TestCase):
    """A refresh has an answer in its journal, and the login's file goes."""

    def findings(self, world):
        done = subprocess.run([*program(), "doctor", "--json"], cwd=world.home, env=world.environment(),
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["findings"]

    def test_a_kept_answer_of_a_login_whose_file_is_gone(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            old = login.file.read_bytes()
            journal = login.file.with_name(f".credpool-{login.file.name}.journal")
            world.set(answer_delay_ms=1500)
            process = world.start("refresh", "--method", "oauth-refresh", "--ownership", "co_own", "kimi-cli")
            while not world.family("kimi-cli")["spends"]:
                self.assertIsNone(process.poll())
                time.sleep(0.02)
            login.file.write_bytes(b"{half a file")  # so that the answer cannot be stored
            process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
            self.assertTrue(journal.exists())
            login.file.unlink()
            left, = about(self.findings(world), "new tokens")
            self.assertEqual((left["severity"], left["where"]), ("warning", str(journal)))
            self.assertIn(f"~/.kimi/credentials/{login.file.name}", left["repair"])
            # What it says helps: an older copy of the file, and a refresh.
            login.file.write_bytes(old)
            login.file.chmod(0o600)
            self.assertEqual(about(self.findings(world), "new tokens"), [])
            self.assertEqual(world.refresh("kimi-cli").returncode, 0)
            self.assertTrue(world.holds_live_token("kimi-cli"))
            self.assertEqual((world.family("kimi-cli")["spends"], world.counts()["reuse"]), (1, 0))
            self.assertFalse(journal.exists())


if __name__ == "__main__":
    unittest.main()
