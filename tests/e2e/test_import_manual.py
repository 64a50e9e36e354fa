# SPDX-License-Identifier: MIT
"""import-manual: a key that no CLI holds, kept sealed."""
import os
import pty
import signal
import stat
import subprocess
import termios
import time
import unittest

from demo_world import PROGRAM, World

TOKEN = "sk-fake-manual-token-0123456789-valid"


class ImportManual(unittest.TestCase):
    def assert_kept(self, world, profile="openai:manual", **variables):
        entry = next(e for e in world.json("scan", **variables)["credentials"]
                     if e["profileId"] == profile)
        self.assertEqual((entry["ownership"], entry["usable"]), ("adopt", True))
        self.assert_sealed(world)
        return entry

    def assert_sealed(self, world):
        files = [path for path in (world.home / ".local/state/credpool").rglob("*") if path.is_file()]
        self.assertTrue(files)
        for path in files:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
            data = path.read_bytes()
            for start in range(0, len(TOKEN) - 12):
                self.assertNotIn(TOKEN[start:start + 12].encode(), data, path)

    def assert_nothing_kept(self, world):
        self.assertFalse((world.home / ".local/state/credpool/secrets.json").exists())

    def test_the_hidden_prompt_shows_nothing(self):
        with World() as world:
            code, screen = world.in_terminal("import-manual", "codex-cli", "--no-validate",
                                             typed=TOKEN + "\n")
            self.assertEqual(code, 0, screen)
            self.assertNotIn("sk-fake", screen)
            self.assertIn("Kept as openai:manual", screen)
            self.assert_kept(world)
            revealed = world.run("acquire", "--pin", "openai:manual", "--reveal", check=True).stdout
            self.assertEqual(revealed, TOKEN + "\n")

    def test_ctrl_c_gives_the_echo_back_and_keeps_nothing(self):
        with World() as world:
            leader, follower = pty.openpty()
            import fcntl

            def own_session():
                os.setsid()
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

            process = subprocess.Popen([PROGRAM, "import-manual", "codex-cli"], env=world.environment(),
                                       stdin=follower, stdout=follower, stderr=follower,
                                       preexec_fn=own_session, cwd=world.home)
            deadline = time.monotonic() + 10
            while termios.tcgetattr(follower)[3] & termios.ECHO:
                self.assertLess(time.monotonic(), deadline, "the echo was never switched off")
                time.sleep(0.01)
            os.write(leader, b"sk-fake-half-a-tok\x03")
            self.assertEqual(process.wait(timeout=10), -signal.SIGINT)
            self.assertTrue(termios.tcgetattr(follower)[3] & termios.ECHO)
            shown = os.read(leader, 65536)
            self.assertNotIn(b"sk-fake", shown)
            os.close(leader)
            os.close(follower)
            self.assert_nothing_kept(world)

    def test_stdin_and_file(self):
        with World() as world:
            done = world.run("import-manual", "codex-cli", "--stdin", "--no-validate",
                             stdin=TOKEN + "\n", check=True)
            self.assertNotIn("sk-fake", done.stdout + done.stderr)
            self.assert_kept(world)
        with World() as world:
            path = world.home / "key.txt"
            path.write_text(TOKEN + "\r\n")
            path.chmod(0o600)
            world.run("import-manual", "codex-cli", "--file", str(path), "--no-validate", check=True)
            self.assert_kept(world)

    def test_an_argument_is_taken_with_a_warning(self):
        with World() as world:
            done = world.run("import-manual", "codex-cli", TOKEN, "--no-validate", check=True)
            self.assertIn("warning:", done.stderr)
            self.assertIn("command line", done.stderr)
            self.assertNotIn("sk-fake", done.stdout + done.stderr)
            self.assert_kept(world)

    def test_the_provider_is_asked_first(self):
        with World(demo=True, provider=True) as world:
            done = world.run("import-manual", "codex-cli", "--stdin", stdin="sk-fake-revoked-0001\n")
            self.assertEqual(done.returncode, 1)
            self.assertIn("nothing was kept", done.stderr)
            self.assert_nothing_kept(world)
            done = world.run("import-manual", "codex-cli", "--stdin", stdin=TOKEN + "\n", check=True)
            self.assertNotIn("warning", done.stderr)
            self.assert_kept(world)

    def test_a_provider_that_is_out_of_reach_is_a_warning(self):
        with World(demo=True) as world:  # its providers answer at a closed port
            done = world.run("import-manual", "codex-cli", "--stdin", stdin=TOKEN + "\n", check=True)
            self.assertIn("warning:", done.stderr)
            self.assertIn("unverified", done.stderr)
            self.assert_kept(world)

    def test_bad_tokens_are_refused_and_told_apart(self):
        with World() as world:
            for text in ("", "\n", "two words\n", "caf\u00e9-token\n"):
                done = world.run("import-manual", "codex-cli", "--stdin", "--no-validate", stdin=text)
                self.assertNotEqual(done.returncode, 0, repr(text))
                self.assertIn("error:", done.stderr)
                self.assertNotIn("words", done.stderr)
            done = world.run("import-manual", "codex-cli", "--stdin", "--no-validate",
                             stdin=TOKEN + "\nsecond-line\n")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("line", done.stderr)
            path = world.home / "key.txt"
            path.write_text(TOKEN + "\nmore\n")
            path.chmod(0o600)
            for file in (path, world.home / "missing.txt"):
                done = world.run("import-manual", "codex-cli", "--file", str(file), "--no-validate")
                self.assertNotEqual(done.returncode, 0)
                self.assertNotIn("sk-fake", done.stderr)
            self.assert_nothing_kept(world)

    def test_usage_mistakes(self):
        with World() as world:
            done = world.run("import-manual", "no-such-cli", "--stdin", stdin=TOKEN)
            self.assertEqual(done.returncode, 3)
            self.assertIn("no-such-cli", done.stderr)
            done = world.run("import-manual", "codex-cli", TOKEN, "--stdin", stdin=TOKEN)
            self.assertEqual(done.returncode, 3)
            self.assertIn("one way", done.stderr)
            self.assert_nothing_kept(world)
        with World() as world:  # no terminal to ask on
            done = subprocess.run([PROGRAM, "import-manual", "codex-cli"], env=world.environment(),
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  start_new_session=True)
            self.assertEqual(done.returncode, 3)
            self.assertIn("--stdin", done.stderr)

    def test_twice_replaces_and_profiles_stand_side_by_side(self):
        with World() as world:
            for number in (1, 2):
                world.run("import-manual", "codex-cli", "--stdin", "--no-validate",
                          stdin=f"sk-fake-manual-number-{number}\n", check=True)
            world.run("import-manual", "codex-cli", "--stdin", "--no-validate", "--profile", "work",
                      stdin="sk-fake-manual-number-3\n", check=True)
            found = {e["profileId"] for e in world.json("scan")["credentials"]}
            self.assertEqual(found, {"openai:manual", "openai:work"})
            reveal = world.run("acquire", "--pin", "openai:manual", "--reveal", check=True).stdout
            self.assertEqual(reveal, "sk-fake-manual-number-2\n")
            self.assertEqual(world.run("history", "--verify").returncode, 0)


if __name__ == "__main__":
    unittest.main()
