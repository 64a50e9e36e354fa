# SPDX-License-Identifier: MIT
"""No home, a home that is none, and places where nothing can be written."""
import os
import pathlib
import shutil
import subprocess
import unittest

from demo_world import PROGRAM, World

NOBODY = 65534
UNKNOWN = 54321  # in no password database


class OddHomes(unittest.TestCase):
    def run_with(self, world, *line, home, **more):
        """None: no HOME, as a user whom the password database does not know."""
        variables = world.environment(**more)
        if home is not None:
            return subprocess.run([PROGRAM, *line], env=variables | {"HOME": home}, cwd="/",
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        del variables["HOME"]
        return subprocess.run([self.everybodys_copy(world), *line], env=variables, cwd="/", user=UNKNOWN,
                              group=UNKNOWN, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)

    def everybodys_copy(self, world):
        """The program where every user may run it."""
        if os.getuid() != 0:
            self.skipTest("it changes its user, which only root may do")
        copies = [world.root / "credpool", world.root / "credpool-network"]
        for copy in copies:  # the command is two programs side by side
            if not copy.exists():
                shutil.copy(pathlib.Path(PROGRAM).with_name(copy.name), copy)
        for path in (world.root, *copies):
            path.chmod(0o755)
        return copies[0]

    def test_without_a_home_scan_lists_what_it_can(self):
        with World() as world:
            (world.home / "file").write_text("")
            for home in (None, "relative", str(world.home / "file"), str(world.home / "nowhere")):
                done = self.run_with(world, "scan", home=home, OPENAI_API_KEY="sk-fake-0001")
                self.assertEqual(done.returncode, 0, (home, done.stderr))
                self.assertIn("OPENAI_API_KEY", done.stdout)
                self.assertIn("HOME", done.stderr)
                self.assertNotIn("sk-fake", done.stdout + done.stderr)
            self.assertEqual(os.listdir(world.home), ["file"])

    def test_without_a_home_nothing_is_lent_or_kept(self):
        with World() as world:
            for line in (["acquire"], ["scan", "--import"], ["history"], ["exec", "--provider", "openai", "--", "true"],
                         ["import-manual", "codex-cli", "sk-fake-0001", "--no-validate"]):
                done = self.run_with(world, *line, home=None, OPENAI_API_KEY="sk-fake-0001")
                self.assertEqual(done.returncode, 3, (line, done.stderr))
                self.assertIn("HOME", done.stderr)
                self.assertLess(done.stderr.count("\n"), 4, done.stderr)

    def test_an_ordinary_user_whose_home_is_the_root(self):
        with World() as world:
            copy = self.everybodys_copy(world)
            before = sorted(os.listdir("/"))
            done = subprocess.run([copy, "scan"], user=NOBODY, group=NOBODY, capture_output=True, text=True,
                                  env={"HOME": "/", "OPENAI_API_KEY": "sk-fake-0001"}, cwd="/",
                                  stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("OPENAI_API_KEY", done.stdout)
            self.assertIn("warning:", done.stderr)
            self.assertEqual(sorted(os.listdir("/")), before)

    def test_a_state_directory_that_cannot_be_written(self):
        with World(demo=True) as world:
            copy = self.everybodys_copy(world)
            for path in [world.home, *world.home.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
            closed = world.root / "closed"
            closed.mkdir(mode=0o755)  # root's: nobody may read it, not write it
            variables = world.environment(XDG_STATE_HOME=str(closed))

            def run(*line):
                return subprocess.run([copy, *line], user=NOBODY, group=NOBODY, env=variables, cwd="/",
                                      capture_output=True, text=True, stdin=subprocess.DEVNULL)
            done = run("scan")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("codex-cli", done.stdout)
            self.assertIn("warning:", done.stderr)
            self.assertIn(str(closed), done.stderr)
            for line in (["status"], ["list"], ["explain"], ["doctor"]):
                self.assertIn(run(*line).returncode, (0, 1), line)
            for line in (["acquire"], ["scan", "--import"]):
                done = run(*line)
                self.assertNotEqual(done.returncode, 0, line)
                self.assertIn(str(closed), done.stderr)
            self.assertEqual(list(closed.iterdir()), [])

    def test_a_damaged_state_is_told_and_scan_goes_on(self):
        with World(demo=True) as world:
            ours = world.home / ".local/state/credpool"
            ours.mkdir(parents=True, mode=0o700)
            (ours / "state.sqlite").write_bytes(b"this is no database, but it is long enough " * 40)
            (ours / "state.sqlite").chmod(0o600)
            done = world.run("scan", check=True)
            self.assertIn("state.sqlite", done.stderr)
            done = world.run("acquire")
            self.assertEqual(done.returncode, 1)
            self.assertIn("state.sqlite", done.stderr)


if __name__ == "__main__":
    unittest.main()
