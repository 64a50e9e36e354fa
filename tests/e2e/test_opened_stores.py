# SPDX-License-Identifier: MIT
"""An encrypted store that has not changed is not decrypted again by who only shows it."""
import json
import pathlib
import stat
import subprocess
import unittest

from demo_world import PROGRAM, World

KEY = "demo-gemini-valid-key"
STORE = ".gemini/gemini-credentials.json"
NOTES = ".local/state/credpool/opened-stores.json"


def forget_discovery(world: World) -> None:
    """What test_discovery_memo.py is about would go before it."""
    for memo in (world.home / NOTES).parent.glob("discovery-memo-*"):
        memo.unlink()


def shown(world: World, *arguments: str) -> str:
    """What a scan prints, byte by byte, without the members that tell the time."""
    forget_discovery(world)
    done = world.run("scan", "--json", *arguments, check=True)
    return "\n".join(line for line in done.stdout.splitlines()
                     if not line.lstrip().startswith(('"scannedAt":', '"elapsedMs":')))


class OpenedStores(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World(demo=True))
        self.notes = self.world.home / NOTES
        self.first = shown(self.world)

    def detail(self) -> str:
        forget_discovery(self.world)
        entries = json.loads(self.world.run("scan", "--json", check=True).stdout)["credentials"]
        return next(entry["detail"] for entry in entries if entry["profileId"] == "gemini:stored")

    def mark(self, word: str) -> None:
        """Writes a word into the notes that a scan shows only when it takes its answer from them."""
        document = json.loads(self.notes.read_text())
        for store in document["stores"]:
            for credential in store["credentials"]:
                credential["detail"] = word
        self.notes.write_text(json.dumps(document))
        forget_discovery(self.world)

    def test_the_second_scan_prints_the_same_bytes(self):
        self.assertIn("gemini:stored", self.first)
        written = self.notes.stat()
        self.assertEqual(shown(self.world), self.first)
        self.assertEqual(self.notes.stat().st_mtime_ns, written.st_mtime_ns)
        self.notes.unlink()
        self.assertEqual(shown(self.world), self.first)
        text = self.world.run("scan", check=True).stdout
        self.notes.unlink()
        forget_discovery(self.world)
        self.assertEqual(self.world.run("scan", check=True).stdout, text)

    def test_the_notes_are_ours_alone_and_hold_no_secret(self):
        self.assertEqual(stat.S_IMODE(self.notes.stat().st_mode), 0o600)
        self.assertNotIn(KEY, self.notes.read_text())

    def test_scan_status_and_list_take_it_from_the_notes(self):
        self.mark("from the notes")
        self.assertEqual(self.detail(), "from the notes")
        for command in ("status", "list"):
            done = self.world.run(command, "--json", check=True)
            self.assertIn("from the notes", done.stdout, command)

    def test_a_store_that_has_changed_is_opened(self):
        self.mark("from the notes")
        store = self.world.home / STORE
        store.write_text(store.read_text() + "\n")
        self.assertEqual(self.detail(), "")
        self.assertEqual(self.detail(), "")
        self.assertEqual(shown(self.world), self.first)

    def test_who_needs_the_token_opens_the_store(self):
        self.mark("from the notes")
        self.assertIn(KEY, self.world.run("acquire", "--provider", "gemini", "--reveal", check=True).stdout)
        self.assertIn("demo-gemini", self.world.run(
            "exec", "--provider", "gemini", "--", "sh", "-c", "echo $GEMINI_API_KEY", check=True).stdout)

    def test_a_damaged_file_costs_time_only(self):
        for damage in (b"", b"{", b"\xff\x00", b'{"by":"0.0.0","stores":[]}', b"[" * 100000):
            self.notes.write_bytes(damage)
            self.assertEqual(shown(self.world), self.first)
            self.assertTrue(json.loads(self.notes.read_text())["stores"], damage)
        self.notes.chmod(0o644)
        self.mark("from somebody else")
        self.assertEqual(shown(self.world), self.first)
        self.assertEqual(stat.S_IMODE(self.notes.stat().st_mode), 0o600)

    def test_a_link_or_a_directory_in_its_place_is_left_alone(self):
        self.mark("from elsewhere")
        target = self.world.root / "elsewhere.json"
        self.notes.rename(target)
        before = target.read_bytes()
        self.notes.symlink_to(target)
        self.assertEqual(shown(self.world), self.first)
        self.assertTrue(self.notes.is_symlink())
        self.assertEqual(target.read_bytes(), before)
        self.notes.unlink()
        self.notes.mkdir()
        self.assertEqual(shown(self.world), self.first)
        self.assertEqual(list(self.notes.iterdir()), [])

    def test_scans_at_the_same_time(self):
        self.notes.unlink()
        forget_discovery(self.world)
        scans = [subprocess.Popen([PROGRAM, "scan", "--json"], env=self.world.environment(), cwd=self.world.home,
                                  stdout=subprocess.PIPE, text=True) for _ in range(6)]
        for scan in scans:
            printed, _ = scan.communicate(timeout=60)
            self.assertEqual(scan.returncode, 0)
            self.assertIn("gemini:stored", printed)
        self.assertEqual(len(json.loads(self.notes.read_text())["stores"]), 1)
        self.assertEqual([path.name for path in self.notes.parent.iterdir() if ".tmp-" in path.name], [])
        self.mark("from the notes")
        self.assertEqual(self.detail(), "from the notes")

    def test_with_the_history_elsewhere_the_notes_are_kept_all_the_same(self):
        with World(demo=True) as world:
            (world.home / ".openclaw").mkdir(mode=0o700)
            world.run("scan", check=True)
            self.assertTrue((world.home / ".openclaw/cli-token-history.json").exists())
            notes: pathlib.Path = world.home / NOTES
            self.assertTrue(notes.exists())
            self.assertEqual(stat.S_IMODE(notes.parent.stat().st_mode), 0o700)


if __name__ == "__main__":
    unittest.main()
