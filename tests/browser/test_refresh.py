# SPDX-License-Identifier: MIT
"""The refresh dialog, click by click, against a local OAuth server: each method, and what goes wrong in it."""
import contextlib
import http.server
import os
import threading
import unittest
import urllib.error
import urllib.request

from control_world import NARROW, ControlTest, Server
from refresh_world import RefreshWorld
from test_login import say_yes

GOOD_KEY, BAD_KEY = "sk-fake-good-key-0123456789-abcdef", "sk-fake-bad-key-0123456789-abcdef"
# A CLI's login: says where to go, asks for something, writes its file when it is told to.
CODEX = """#!/bin/sh
echo "Welcome to Codex"
echo "Open https://auth.openai.com/codex/device and enter ABCD-EFGH"
i=0; while [ $i -lt 30 ]; do echo "step $i"; i=$((i+1)); done
printf 'Your name: '; read name
[ "$name" = ada ] || { echo "who is $name?"; exit 1; }
mkdir -p "$HOME/.codex"; cp "$HOME/new-login.json" "$HOME/.codex/auth.json"
echo "Logged in"
"""


class Provider:
    """An API that takes one key."""

    def __enter__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                good = GOOD_KEY in str(self.headers)
                self.send_response(200 if good else 401)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"object":"list","data":[]}' if good else b'{"error":{"code":"invalid_api_key","message":"no"}}')

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Refresh(ControlTest):
    @classmethod
    def make_server(cls):
        cls.world = cls.enterClassContext(RefreshWorld())
        cls.provider = cls.enterClassContext(Provider())
        cls.world.set(interval=1)
        home = cls.world.home
        cls.world.seed("kimi-cli", left=-10)
        codex = cls.world.seed("codex-cli", left=900)
        (home / "new-login.json").write_text(codex.file.read_text())
        codex.file.unlink()
        program = cls.world.root / "bin/codex"
        program.parent.mkdir()
        program.write_text(CODEX)
        program.chmod(0o755)
        config = home / ".config/credpool/config.json5"
        config.parent.mkdir(parents=True, mode=0o700)
        server = cls.world.address
        config.write_text('{oauth: {anthropic: {tokenUrl: "%s/v1/oauth/token", authorizeUrl: "%s/oauth/authorize"}, '
                          'xai: {deviceUrl: "http://127.0.0.1:9/device", tokenUrl: "http://127.0.0.1:9/token"}}, '
                          'baseUrls: {openai: "%s", anthropic: "%s", moonshot: "%s"}}'
                          % (server, server, *[cls.provider.url] * 3))
        return Server(home=home, environment={**cls.world.environment(), "PATH": f"{program.parent}:{os.environ['PATH']}"})

    def tearDown(self):
        for flow in self.server.call("tokenDiscovery.flows")["flows"]:
            if not flow["endedAt"]:
                self.server.call("tokenDiscovery.cancelFlow", id=flow["id"])

    def choose(self, cli: str, method: str, **more) -> None:
        """Add a login > the CLI > the method."""
        self.enter(**more)
        self.browser.click(what="role=button[name='Add a login']")
        self.browser.click(what=f"dialog >> role=button[name='{cli}']")
        self.browser.click(what=f"[data-method='{method}']")

    def device_code(self) -> str:
        self.browser.wait(what=".qr-code svg")
        return self.browser.text(what=".user-code")

    def profiles(self) -> list[str]:
        return [one["profileId"] for one in self.server.call("tokenDiscovery.status")["credentials"]]

    # ---- oauth-refresh
    def test_refresh_now(self):
        """an expired login has a Refresh button; the recommended method needs nobody, and the row is ready again"""
        self.world.age("kimi-cli")
        self.server.call("tokenDiscovery.scan")
        self.enter()
        browser = self.browser
        browser.click(what="role=button[name='Refresh kimi-code:default']")
        browser.wait(what=".methods")
        self.assert_clean("refresh-methods")
        first = browser.text(what=".method >> nth=0")
        self.assertIn("recommended", first)
        browser.click(what="[data-method='oauth-refresh']")
        browser.wait(what="dialog >> text=Logged in")
        self.assert_clean("refresh-done")
        browser.click(what="role=button[name='Done']")
        browser.wait(what="role=row >> text=Ready")
        self.assertEqual(self.world.counts()["reuse"], 0)
        self.assertTrue(browser.focused()["tag"] in ("button", "body"))

    # ---- oauth-device
    def test_device_login(self):
        """a device login: code, copy, QR code; the dialog sees the person's yes by itself"""
        self.choose("Kimi CLI", "oauth-device")
        browser = self.browser
        code = self.device_code()
        self.assertRegex(code, r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")
        self.assert_clean("refresh-device")
        browser.click(what="role=button[name='Copy code']")
        self.assertEqual(browser.evaluate(expression="navigator.clipboard.readText()"), code)
        self.assertIn(self.world.address, browser.attribute(what="dialog >> role=link[name='Open the page']", name="href"))
        self.world.ask("/__approve", {"user_code": code})
        browser.wait(what="dialog >> text=Logged in")
        browser.click(what="role=button[name='Done']")
        browser.wait(what="text=kimi-code:own")

    def test_device_login_is_denied(self):
        """a no at the provider's page is told, with a way to try again"""
        self.choose("Kimi CLI", "oauth-device", size=NARROW)
        browser = self.browser
        self.world.ask("/__deny", {"user_code": self.device_code()})
        browser.wait(what="text=That did not work")
        self.assert_clean("refresh-denied")
        browser.click(what="role=button[name='Try again']")
        self.device_code()
        browser.click(what="role=button[name='Cancel login']")
        browser.wait(what=".methods")
        self.assertEqual([flow["state"] for flow in self.server.call("tokenDiscovery.flows")["flows"]][:2], ["cancelled", "failed"])

    def test_a_code_expires(self):
        """a code that nobody confirmed in time: told, and a new one is one click away"""
        self.world.set(code_ttl=3)
        try:
            self.choose("Kimi CLI", "oauth-device")
            browser = self.browser
            first = self.device_code()
            self.assertRegex(browser.text(what="dialog"), r"Expires in")
            browser.wait(what="text=That did not work")
            self.assertRegex(browser.text(what="dialog"), r"(?i)expired|in time|too late|ran out")
            self.assert_clean("refresh-expired")
        finally:
            self.world.set(code_ttl=900)
        browser.click(what="role=button[name='Try again']")
        self.assertNotEqual(self.device_code(), first)

    def test_it_survives_a_reload(self):
        """a login goes on when its dialog or page is closed; both find it again"""
        self.choose("Kimi CLI", "oauth-device")
        browser = self.browser
        code = self.device_code()
        browser.reload()
        browser.wait(what="dialog")
        self.assertEqual(self.device_code(), code)
        browser.press(key="Escape")
        browser.wait(what="text=The login goes on.")
        browser.reload()
        browser.click(what="role=button[name='Login running: Kimi CLI']")
        self.assertEqual(self.device_code(), code)
        self.assertEqual(browser.problems(), [])
        self.world.ask("/__approve", {"user_code": code})
        browser.wait(what="dialog >> text=Logged in")

    def test_the_provider_is_down(self):
        """a provider that does not answer is named, with a way to try again"""
        self.choose("Grok", "oauth-device")
        self.browser.wait(what="text=That did not work")
        self.assertIn("127.0.0.1", self.browser.text(what="dialog"))
        self.assert_clean("refresh-provider-down")
        self.assertEqual(self.browser.focused()["name"].strip(), "Try again")

    # ---- oauth-browser
    def test_browser_login(self):
        """a browser login: the link leads to the provider; the answer comes back to the server by itself"""
        self.choose("Claude Code", "oauth-browser")
        browser = self.browser
        browser.wait(what="role=link[name='Open the login page']")
        self.assert_clean("refresh-browser")
        came = say_yes(browser.attribute(what="role=link[name='Open the login page']", name="href"), self.world.address)
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(came, timeout=20).close()
        browser.wait(what="dialog >> text=Logged in")

    def test_browser_login_by_paste(self):
        """the address is pasted where the browser is on another machine; a wrong one is refused and asked for again"""
        self.choose("Claude Code", "oauth-browser")
        browser = self.browser
        browser.click(what="text=The page after the login does not load?")
        browser.click(what="role=button[name='Continue']")
        browser.wait(what="text=Paste the address or the code first.")
        browser.fill(what="dialog input", text="http://127.0.0.1:1/callback?code=made-up&state=another")
        browser.press(key="Enter")
        browser.wait(what=".field-error >> text=/./")
        self.assert_clean("refresh-wrong-paste")
        came = say_yes(browser.attribute(what="role=link[name='Open the login page']", name="href"), self.world.address)
        browser.fill(what="dialog input", text=came)
        browser.press(key="Enter")
        browser.wait(what="dialog >> text=Logged in")

    # ---- api-key-web and manual
    def test_a_key_from_the_platform(self):
        """a key: the platform's page, a hidden field, a refused key and a good one; it is nowhere in the page afterwards"""
        self.choose("Codex CLI", "api-key-web")
        browser = self.browser
        browser.wait(what="dialog form")
        self.assertEqual(browser.attribute(what="role=link[name='Open the page']", name="href"), "https://platform.openai.com/api-keys")
        self.assertEqual(browser.attribute(what="dialog input", name="type"), "password")
        self.assert_clean("refresh-key")
        browser.fill(what="dialog input", text="two words")
        browser.press(key="Enter")
        browser.wait(what=".field-error >> text=/space/")
        browser.fill(what="dialog input", text=BAD_KEY)
        browser.press(key="Enter")
        browser.wait(what="text=/That did not work|refused|not accepted|invalid/i")
        browser.picture("refresh-key-refused")
        if browser.count(what="role=button[name='Try again']"):
            browser.click(what="role=button[name='Try again']")
        browser.wait(what="dialog form")
        browser.fill(what="dialog input", text=GOOD_KEY)
        browser.press(key="Enter")
        browser.wait(what="dialog >> text=Logged in")
        self.assertNotIn(GOOD_KEY[:14], browser.evaluate(expression="document.documentElement.outerHTML + JSON.stringify([{...localStorage}, {...sessionStorage}])"))

    def test_manual_entry(self):
        """a key by hand, by keyboard alone"""
        self.enter()
        browser = self.browser
        browser.focus(what="role=button[name='Add a login']")
        browser.press(key="Enter")
        browser.wait(what=".cli-choices")
        browser.focus(what="dialog >> role=button[name='Kimi open platform']")
        browser.press(key="Enter")
        browser.wait(what=".methods")
        browser.focus(what="[data-method='manual']")
        browser.press(key="Enter")
        browser.wait(what="dialog form")
        self.assertEqual(browser.focused()["tag"], "input")
        browser.press(key="Enter")
        browser.wait(what="text=Paste the key or token first.")
        browser.type(text=GOOD_KEY)
        browser.press(key="Enter")
        browser.wait(what="dialog >> text=Logged in")
        self.assertEqual(browser.focused()["name"].strip(), "Done")
        browser.press(key="Enter")
        self.eventually(lambda: any(name.startswith("moonshot:") for name in self.profiles()), True)

    # ---- cli-command
    def test_cli_command(self):
        """a CLI's own login: its output as it comes, its links, its question; the login it wrote is taken over"""
        self.choose("Codex CLI", "cli-command")
        browser = self.browser
        browser.wait(what=".flow-log >> text=step 29")
        self.assertEqual(browser.text(what=".flow-log").count("step "), 30)
        self.assertEqual(browser.attribute(what=".flow-log a", name="href"), "https://auth.openai.com/codex/device")
        browser.wait(what="dialog form >> text=Your name")
        self.assert_clean("refresh-cli-command")
        browser.fill(what="dialog input", text="ada")
        browser.press(key="Enter")
        browser.wait(what="dialog >> text=Logged in")
        self.assertIn("openai:default", browser.text(what="dialog"))

    def test_cli_command_fails(self):
        """a command that fails is told with its last lines' hint"""
        self.choose("Codex CLI", "cli-command")
        browser = self.browser
        browser.wait(what="dialog form >> text=Your name")
        browser.fill(what="dialog input", text="mallory")
        browser.press(key="Enter")
        browser.wait(what="text=That did not work")
        browser.picture("refresh-command-failed")


if __name__ == "__main__":
    unittest.main()
