# SPDX-License-Identifier: MIT
"""top: the running server's pool, once for a pipe and live in a terminal."""
import json
import os
import re
import signal
import time
import unittest

from demo_world import PROGRAM, World
from pseudo_terminal import PseudoTerminal
from rpc_world import Serve


class Top(unittest.TestCase):
    def live(self, world, columns=110, rows=24, **variables) -> PseudoTerminal:
        environment = {**world.environment(**variables), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        return PseudoTerminal([PROGRAM, "top"], world.home, environment, columns, rows)

    def assert_as_before(self, screen: PseudoTerminal) -> None:
        """The terminal is as the program found it: the usual screen, a cursor, an echo."""
        self.assertEqual(screen.modes()[:6], screen.before[:6])
        self.assertGreater(screen.shown.rfind("\x1b[?1049l"), screen.shown.rfind("\x1b[?1049h"))
        self.assertGreater(screen.shown.rfind("\x1b[?25h"), screen.shown.rfind("\x1b[?25l"))

    def test_without_a_server(self):
        with World() as world:
            done = world.run("top", "--once")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("credpool serve", done.stderr)

    def test_once(self):
        with World(demo=True) as world, Serve(world, "--open") as server:
            done = world.run("top", "--once")
            self.assertEqual(done.returncode, 0, done.stderr)
            first, second, _, heading, *rows = done.stdout.splitlines()
            self.assertRegex(first, rf"^credpool  {re.escape(server.place['url'])}  \d\d:\d\d:\d\d UTC$")
            self.assertRegex(second, r"^strategy [a-z-]+, \d+ credentials?: \d+ can be lent, 0 rest; 0 in flight, 0 requests this minute$")
            self.assertTrue(heading.startswith("CREDENTIAL"), heading)
            status = server.call("tokenDiscovery.status")
            self.assertEqual(len(rows), len(status["credentials"]))
            self.assertNotIn("\x1b", done.stdout)
            document = json.loads(world.run("--json", "top").stdout)
            self.assertEqual([c["id"] for c in document["credentials"]], [c["id"] for c in status["credentials"]])
            # A pipe gets one picture without being asked for it.
            self.assertEqual(len(world.run("top").stdout.splitlines()), len(done.stdout.splitlines()))

    def test_live(self):
        with World(demo=True) as world, Serve(world, "--open") as server:
            screen = self.live(world)
            screen.until_screen("(?m)^> ")
            names = [row.split()[1] for row in screen.screen().splitlines() if row.startswith("> ")]
            self.assertEqual(len(names), 1)
            screen.type("\x1b[B")
            screen.until_screen(rf"(?m)^  {re.escape(names[0])}[^$]*^> ")
            screen.type("s")
            screen.until_screen("sort: requests")
            screen.type("p")
            screen.until_screen(r"\(paused\)")
            screen.type("p")
            screen.until_screen("p pause")
            screen.type("c")
            screen.until_screen(r"End the cooldowns of \S+ \(y/N\)|End the cooldowns of .*\? \(y/N\)")
            screen.type("n")
            screen.until_screen("q quit")
            screen.type("c")
            screen.until_screen("End the cooldowns")
            screen.type("y")
            screen.until_screen("It had none.")
            # What happens shows by itself.
            server.call("tokenDiscovery.scan")
            screen.until_screen("scan.finished")
            screen.resize(60, 12)
            os.kill(screen.process.pid, signal.SIGWINCH)
            time.sleep(0.5)
            screen.read(0.5)
            lines = screen.screen().splitlines()
            self.assertLessEqual(len(lines), 12)
            self.assertLessEqual(max(map(len, lines)), 60)
            os.write(screen.leader, b"q")
            while screen.read(0.1) and screen.process.poll() is None:
                pass
            self.assert_as_before(screen)
            self.assertEqual(screen.end(), 0)

    def test_the_server_goes(self):
        with World(demo=True) as world:
            with Serve(world, "--open"):
                screen = self.live(world)
                screen.until_screen("strategy")
            screen.until_screen("network error|start one with")
            screen.type("q")
            self.assertEqual(screen.end(), 0)

    def test_signals_give_the_terminal_back(self):
        with World(demo=True) as world, Serve(world, "--open"):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                with self.subTest(signal=number):
                    screen = self.live(world)
                    screen.until_screen("q quit")
                    screen.process.send_signal(number)
                    while screen.process.poll() is None:
                        screen.read(0.1)
                    screen.read(0.1)
                    self.assert_as_before(screen)
                    self.assertEqual(screen.end(), 128 + number)
            screen = self.live(world)
            screen.until_screen("q quit")
            screen.process.send_signal(signal.SIGTSTP)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and self.state(screen) != "T":
                screen.read(0.1)
            self.assertEqual(self.state(screen), "T")
            screen.read(0.2)
            self.assert_as_before(screen)
            screen.process.send_signal(signal.SIGCONT)
            screen.until_screen("q quit")
            screen.type("q")
            self.assertEqual(screen.end(), 0)

    @staticmethod
    def state(screen) -> str:
        with open(f"/proc/{screen.process.pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def test_no_colour(self):
        with World(demo=True) as world, Serve(world, "--open"):
            screen = self.live(world, NO_COLOR="1")
            screen.until_screen("q quit")
            screen.type("q")
            self.assertEqual(screen.end(), 0)
            self.assertNotRegex(screen.shown, r"\x1b\[[0-9;]*m")


if __name__ == "__main__":
    unittest.main()
