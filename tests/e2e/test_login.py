# SPDX-License-Identifier: MIT
"""login and logout: logins of our own, which no CLI can spend."""
import contextlib
import json
import os
import re
import stat
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from pseudo_terminal import PseudoTerminal
from refresh_world import RefreshWorld, program


class Terminal(PseudoTerminal):
    """credpool in a pseudo terminal."""

    def __init__(self, world, *arguments, columns=100, **variables):
        environment = {**world.environment(**variables), "TERM": "xterm-256color"}
        super().__init__([*program(), *arguments], world.home, environment, columns)


@contextlib.contextmanager
def world_with_quick_polls(**more):
    with RefreshWorld(**more) as world:
        world.set(interval=1)
        yield world


def own_files(world) -> list:
    place = world.home / ".local/state/credpool"
    return [path for path in place.rglob("*") if path.is_file()] if place.exists() else []


class NotFollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def say_yes(page: str, server: str) -> str:
    """A browser and its person: through the pages for login and consent, to the address that it is sent to in the end."""
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(), NotFollowed)
    where, form = page, None
    for _ in range(12):
        if not where.startswith(server):
            return where
        try:
            with browser.open(where, form and urllib.parse.urlencode(form).encode(), timeout=20) as answer:
                shown = answer.read().decode()
        except urllib.error.HTTPError as moved:
            with moved:
                assert moved.code in (302, 303), f"{where}: {moved.code} {moved.read()[:300]}"
                where, form = urllib.parse.urljoin(where, moved.headers["Location"]), None
                continue
        where = urllib.parse.urljoin(where, re.search(r'action="([^"]+)"', shown)[1])
        prompt = re.search(r'name="prompt" value="(\w+)"', shown)[1]
        form = {"prompt": prompt, "login": "acct-browser", "password": "any"}
    raise AssertionError(f"no end of pages: {where}")


def set_claude_server(world) -> None:
    config = world.home / ".config/credpool/config.json5"
    config.parent.mkdir(parents=True, mode=0o700)
    config.write_text('{oauth: {anthropic: {tokenUrl: "%s/v1/oauth/token", authorizeUrl: "%s/oauth/authorize"}}}'
                      % (world.address, world.address))


class WithOwnLogins(unittest.TestCase):
    def log_in(self, world, *more) -> dict:
        """A device login that the person confirms while it polls: its JSON."""
        process = world.start("--json", "login", "kimi-cli", *more)
        text, code = "", None
        while not code:
            line = process.stderr.readline()
            self.assertTrue(line, text)
            text += line
            code = re.search(r"\b([A-Z0-9]{4}-[A-Z0-9]{4})\b", text)
        world.ask("/__approve", {"user_code": code[1]})
        out, rest = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, text + rest + out)
        return json.loads(out)

    def json(self, world, *arguments, code=0):
        done = subprocess.run([*program(), "--json", *arguments], cwd=world.home, env=world.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def assert_sealed(self, world, *secrets):
        files = own_files(world)
        self.assertTrue([file for file in files if file.parent.name == "logins"], files)
        for file in files:
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600, file)
            data = file.read_bytes()
            for secret in secrets:
                for start in range(len(secret) - 12):
                    self.assertNotIn(secret[start:start + 12].encode(), data, file)


class Login(WithOwnLogins):
    def test_a_device_login_is_ours_sealed_refreshed_and_lent(self):
        with world_with_quick_polls() as world:
            world.set(slow_down=1)
            made = self.log_in(world)
            self.assertEqual(list(made), ["profileId", "id", "tokenHash", "expiresAt"])
            entry, = self.json(world, "scan")["credentials"]
            self.assertEqual((entry["ownership"], entry["usable"], entry["profileId"]), ("adopt", True, made["profileId"]))
            self.assertEqual((entry["id"], entry["tokenHash"]), (made["id"], made["tokenHash"]))
            standing, = self.json(world, "status")["credentials"]
            self.assertEqual((standing["ownership"], standing["refresh"]["state"]), ("adopt", "well"))
            secret = self.json(world, "acquire", "--provider", "kimi-code", "--reveal")["secret"]
            self.assert_sealed(world, secret)
            # Its access token is one that the server takes.
            request = urllib.request.Request(world.address + "/coding/v1/usages", headers={"Authorization": f"Bearer {secret}"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                self.assertEqual(answer.status, 200)
            row, = self.json(world, "refresh", made["profileId"], "--force")["refreshed"]
            self.assertEqual((row["outcome"], row["id"]), ("exchanged", made["id"]))
            self.assertNotEqual(row["tokenHash"], made["tokenHash"])
            after = self.json(world, "acquire", "--provider", "kimi-code", "--reveal")["secret"]
            self.assertNotEqual(after, secret)
            self.assert_sealed(world, secret, after)
            self.assertEqual((world.counts()["refreshes"], world.counts()["reuse"]), (1, 0))
            self.assertEqual(self.json(world, "refresh", "kimi-cli")["refreshed"][0]["outcome"], "still_fresh")
            # A second one of another name stands beside it; the same name replaces.
            other = self.log_in(world, "--profile", "work")
            self.assertEqual(other["profileId"], "kimi-code:work")
            self.assertEqual(len(self.json(world, "scan")["credentials"]), 2)

    def test_the_person_says_no(self):
        with world_with_quick_polls() as world:
            screen = Terminal(world, "login", "kimi-code")
            code = screen.until(r"confirm this code there:\s+\S*?([A-Z0-9]{4}-[A-Z0-9]{4})")[1]
            world.ask("/__deny", {"user_code": code})
            self.assertEqual(screen.end(), 1, screen.shown)
            self.assertIn("error:", screen.shown)
            self.assertEqual([file for file in own_files(world) if file.parent.name == "logins"], [])

    def test_the_screen(self):
        with world_with_quick_polls() as world:
            for columns in (80, 120):
                screen = Terminal(world, "login", "kimi-cli", "--profile", f"c{columns}", columns=columns, LANG="C.UTF-8")
                code = screen.until(r"confirm this code there:\s+\S*?([A-Z0-9]{4}-[A-Z0-9]{4})")[1]
                screen.until("Waiting for the login")
                world.ask("/__approve", {"user_code": code})
                self.assertEqual(screen.end(), 0, screen.shown)
                self.assertIn("\u2588", screen.shown)  # the QR code
                self.assertIn(f"Logged in: kimi-code:c{columns}", screen.shown)
                plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.shown)
                self.assertLessEqual(max(len(line) for line in plain.splitlines() if "http" not in line and "/" not in line),
                                     columns)

    def test_ctrl_c_leaves_nothing_behind(self):
        with world_with_quick_polls() as world:
            screen = Terminal(world, "login", "kimi-cli")
            screen.until("Waiting for the login")
            screen.type("\x03")
            begin = time.monotonic()
            self.assertNotEqual(screen.end(), 0)
            self.assertLess(time.monotonic() - begin, 5)
            self.assertIn("nothing was changed", screen.shown)
            self.assertEqual([file for file in own_files(world) if "lock" not in file.name], [])

    def test_a_browser_login_with_a_pasted_answer(self):
        """claude: the page is opened elsewhere; what it shows at the end is pasted."""
        with RefreshWorld() as world:
            config = world.home / ".config/credpool/config.json5"
            config.parent.mkdir(parents=True, mode=0o700)
            config.write_text('{oauth: {anthropic: {tokenUrl: "%s/v1/oauth/token", authorizeUrl: "%s/auth"}}}'
                              % (world.address, world.address))
            screen = Terminal(world, "login", "claude-cli", "--no-browser")
            url = screen.until(r"(http://127\.0\.0\.1\S+)\s")[1]
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
            self.assertEqual((asked["response_type"], asked["code_challenge_method"]), ("code", "S256"))
            self.assertGreaterEqual(len(asked["state"]), 22)
            # An answer to another login is not taken.
            screen.until(r"(?i)paste[^\n]*")
            screen.type(asked["redirect_uri"] + "?code=made-up&state=another\n")
            screen.until("not the answer to this login")
            screen.type("\x03")
            self.assertNotEqual(screen.end(), 0)
            self.assertEqual([file for file in own_files(world) if file.parent.name == "logins"], [])

    def test_a_granted_code_that_is_pasted(self):
        with RefreshWorld() as world:
            set_claude_server(world)
            screen = Terminal(world, "login", "claude-cli", "--method", "oauth-browser", "--no-browser")
            page = screen.until(r"(http://127\.0\.0\.1[!-~]+)\s*\x1b")[1]
            came = say_yes(page, world.address)
            self.assertTrue(came.startswith("https://platform.claude.com/oauth/code/callback?"), came)
            code = urllib.parse.parse_qs(urllib.parse.urlsplit(came).query)["code"][0]
            screen.until(r"(?i)paste[^\n]*")
            screen.type(came + "\n")
            self.assertEqual(screen.end(), 0, screen.shown)
            self.assertNotIn(code, screen.shown)
            self.assertEqual(world.counts()["success"], 1)
            entry, = self.json(world, "scan")["credentials"]
            self.assertEqual((entry["ownership"], entry["usable"]), ("adopt", True))
            row, = self.json(world, "refresh", entry["profileId"], "--force")["refreshed"]
            self.assertEqual(row["outcome"], "exchanged")

    def test_a_granted_code_that_the_browser_brings(self):
        with RefreshWorld() as world:
            set_claude_server(world)
            opener = world.root / "bin/xdg-open"
            opener.parent.mkdir()
            opener.write_text("#!/bin/sh\n")
            opener.chmod(0o755)
            screen = Terminal(world, "login", "claude-cli", "--method", "oauth-browser", DISPLAY=":0",
                              PATH=f"{opener.parent}:{os.environ['PATH']}")
            page = screen.until(r"(http://127\.0\.0\.1[!-~]+)\s*\x1b")[1]
            screen.until("Waiting for the browser")
            came = say_yes(page, world.address)
            state = urllib.parse.parse_qs(urllib.parse.urlsplit(came).query)["state"][0]
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with self.assertRaises(urllib.error.HTTPError) as refused:
                direct.open(came.replace(state, "x" * len(state)), timeout=20)
            self.assertEqual(refused.exception.code, 400)
            refused.exception.close()

            def thief() -> None:
                """Somebody who saw the code, and has no verifier for it."""
                form = {"grant_type": "authorization_code", "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
                        "code": urllib.parse.parse_qs(urllib.parse.urlsplit(came).query)["code"][0],
                        "code_verifier": "v" * 43, "redirect_uri": came.split("?")[0]}
                asked = urllib.request.Request(world.address + "/v1/oauth/token", json.dumps(form).encode(),
                                               {"content-type": "application/json"})
                with self.assertRaises(urllib.error.HTTPError) as no:
                    direct.open(asked, timeout=20)
                self.assertEqual(no.exception.code, 400)
                no.exception.close()

            thief()
            self.assertEqual((world.counts()["success"], world.counts()["errors"]), (0, {"code_verifier does not match code_challenge": 1}))
            with direct.open(came, timeout=20) as answer:
                self.assertIn("The login is done here", answer.read().decode())
            self.assertEqual(screen.end(), 0, screen.shown)
            self.assertEqual(world.counts()["success"], 1)
            self.assertEqual(world.counts()["requests"]["/v1/oauth/token"], 2, "the thief's, and ours once")
            thief()  # nor afterwards
            self.assertEqual(world.counts()["success"], 1)

    def test_what_a_cli_only_offers_itself(self):
        with RefreshWorld() as world:
            error = self.json(world, "login", "gh", code=1)["error"]
            self.assertIn("gh auth login", error["hint"])
            self.assertEqual(self.json(world, "login", "nobody", code=3)["error"]["code"], "invalid_argument")

    def test_a_key_from_the_provider_s_page_and_a_token_by_hand(self):
        key = "sk-fake-0123456789-valid-abcdefgh"
        with RefreshWorld() as world:
            config = world.home / ".config/credpool/config.json5"
            config.parent.mkdir(parents=True, mode=0o700)
            config.write_text('{baseUrls: {openai: "http://127.0.0.1:9", "kimi-code": "http://127.0.0.1:9"}}')
            for method, cli, profile in (("api-key-web", "codex-cli", "openai:page"), ("manual", "kimi-cli", "kimi-code:hand")):
                with self.subTest(method=method):
                    screen = Terminal(world, "login", cli, "--method", method, "--profile", profile.split(":")[1], "--no-browser")
                    if method == "api-key-web":
                        screen.until("https://platform.openai.com/api-keys")
                    screen.until(r": ?$")
                    screen.type(key + "\n")
                    self.assertEqual(screen.end(), 0, screen.shown)
                    self.assertNotIn(key[:12], screen.shown)
                    self.assertIn(f"Kept as {profile}", screen.shown)
            entries = {entry["profileId"]: entry for entry in self.json(world, "scan")["credentials"]}
            self.assertEqual(set(entries), {"openai:page", "kimi-code:hand"})
            for file in own_files(world):
                self.assertNotIn(key[:12].encode(), file.read_bytes(), file)
            self.assertEqual(self.json(world, "logout", "openai:page", "--yes"), {"removed": entries["openai:page"]["id"]})
            self.assertEqual([e["profileId"] for e in self.json(world, "scan")["credentials"]], ["kimi-code:hand"])


class Logout(WithOwnLogins):
    def test_logout_removes_ours_and_nothing_else(self):
        with world_with_quick_polls() as world:
            theirs = world.seed("kimi-cli", left=800)
            made = self.log_in(world)
            before = theirs.file.read_bytes()
            names = {entry["ownership"]: entry["profileId"] for entry in self.json(world, "scan")["credentials"]}
            error = self.json(world, "logout", names["co_own"], "--yes", code=1)["error"]
            self.assertEqual(error["code"], "unsupported")
            self.assertIn("belongs to its CLI", error["hint"])
            self.assertEqual(self.json(world, "logout", made["profileId"], code=3)["error"]["code"], "invalid_argument")
            screen = Terminal(world, "logout", made["profileId"])
            screen.until(r"\(y/N\)")
            screen.type("n\n")
            self.assertEqual(screen.end(), 1)
            self.assertEqual(len(self.json(world, "scan")["credentials"]), 2)
            screen = Terminal(world, "logout", made["profileId"])
            screen.until(r"\(y/N\)")
            screen.type("y\n")
            self.assertEqual(screen.end(), 0, screen.shown)
            self.assertIn("Removed", screen.shown)
            self.assertEqual([entry["profileId"] for entry in self.json(world, "scan")["credentials"]], [names["co_own"]])
            self.assertEqual(theirs.file.read_bytes(), before)
            self.assertEqual([f.name for f in own_files(world) if f.parent.name == "logins" and f.suffix == ".json"], [])
            self.assertEqual(self.json(world, "logout", made["profileId"], "--yes", code=1)["error"]["code"], "not_found")

    def test_names_and_settings_do_not_make_a_cli_s_login_ours(self):
        with world_with_quick_polls() as world:
            theirs = world.seed("kimi-cli", left=800)
            self.log_in(world, "--profile", "default")  # the name that a scan gives to the CLI's
            config = world.home / ".config/credpool/config.json5"
            config.parent.mkdir(parents=True, mode=0o700)
            config.write_text('{ownership: {"kimi-cli": "adopt"}}')
            entries = self.json(world, "scan")["credentials"]
            of = {"theirs" if entry["places"][0]["location"] == str(theirs.file) else "ours": entry["id"] for entry in entries}
            self.assertEqual(self.json(world, "logout", of["theirs"], "--yes", code=1)["error"]["code"], "unsupported")
            self.assertEqual(self.json(world, "logout", of["ours"], "--yes"), {"removed": of["ours"]})
            entry, = self.json(world, "scan")["credentials"]
            self.assertEqual(entry["id"], of["theirs"])
            self.assertTrue(theirs.file.exists())


if __name__ == "__main__":
    unittest.main()
