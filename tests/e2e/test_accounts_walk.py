# SPDX-License-Identifier: MIT
"""The page of openclaw-token walked line by line against `credpool serve`: an account, credits, a key, OpenClaw, a chat, its usage."""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

from accounts_world import A_REQUEST, AccountsWorld
from proxy_world import say

PROGRAM = os.environ["OPENCLAW_TOKEN_PROGRAM"]


class Walk(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="accounts-walk-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        # All that the command asks of OpenClaw's is to be there.
        binaries = self.home / "bin"
        binaries.mkdir()
        (binaries / "openclaw").write_text("#!/bin/sh\nexit 0\n")
        (binaries / "openclaw").chmod(0o755)
        self.variables = {"HOME": str(self.home), "PATH": f"{binaries}:{os.environ['PATH']}", "TERM": "dumb"}

    def run_it(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run([PROGRAM, *arguments], env=self.variables, cwd=self.home, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments: str, stdin: str | None = None):
        return json.loads(self.run_it("--json", *arguments, stdin=stdin))

    def test_every_line_of_the_page(self):
        with AccountsWorld() as world:
            self.variables["OPENCLAW_TOKEN_API_BASE"] = world.serve.url
            registered = self.json("auth", "register", "--email", "bob@example.com", "--password-stdin", stdin="Secret123\n")
            self.assertEqual(registered["email"], "bob@example.com")
            bought = self.json("credits", "buy", "--amount", "20", "--yes")
            self.assertEqual((bought["amount"], bought["platform_fee"], bought["total_charged"], bought["new_balance"]), (20, 1.1, 21.1, 20))
            key = self.json("keys", "create", "--name", "my-app", "--limit", "10", "--limit-reset", "monthly")

            integrated = self.json("integrate", "--yes")
            self.assertEqual(integrated["provider_name"], "openclaw-token-fallback")
            path = self.home / ".openclaw/openclaw.json"
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            provider = json.loads(path.read_text())["models"]["providers"]["openclaw-token-fallback"]
            self.assertTrue(provider["baseUrl"].startswith(world.serve.url))
            self.assertTrue(self.json("integrate", "--status")["integrated"])

            # The agent's turn: with the key that was made for OpenClaw, and with the one of the page.
            for value in (provider["apiKey"], key["key"]):
                self.assertEqual(world.spend(value)[0], 200)
            usage = self.json("keys", "usage", key["hash"])
            self.assertEqual((usage["usage"], usage["requests_count"]), (A_REQUEST, 1))
            info = self.json("keys", "info", key["hash"])
            self.assertEqual(info["model_usage"][0]["model"], "gpt-fake")
            balance = self.json("credits", "balance")
            self.assertEqual((balance["total_usage"], balance["remaining"]), (2 * A_REQUEST, 20 - 2 * A_REQUEST))
            self.assertIn("purchase", self.run_it("credits", "history"))

            self.run_it("keys", "revoke", key["hash"], "--yes")
            self.json("integrate", "--remove")
            self.assertNotIn("openclaw-token-fallback", path.read_text() if path.exists() else "")
            self.assertEqual(self.json("auth", "whoami")["email"], "bob@example.com")
            self.run_it("auth", "logout")
            self.json("auth", "login", "--email", "bob@example.com", "--password-stdin", stdin="Secret123\n")
            kept = "".join(each.read_text(errors="replace") for each in (self.home / ".openclaw-token").rglob("audit.log"))
            for secret in (registered["management_key"], key["key"], provider["apiKey"], "Secret123"):
                self.assertNotIn(secret, kept)
                self.assertNotIn(secret, world.serve.said())
            say("register, buy, create a key, integrate, chat, usage, revoke: as on the page")


if __name__ == "__main__":
    unittest.main()
