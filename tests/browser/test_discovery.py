# SPDX-License-Identifier: MIT
"""The page Token Discovery: rows, filters, details, actions and what they ask first."""
import json
import unittest

from control_world import NARROW, PAGES, WIDE, ControlTest, Server


class Discovery(ControlTest):
    def status(self) -> dict:
        return {one["profileId"]: one for one in self.server.call("tokenDiscovery.status")["credentials"]}

    def row(self, profile: str) -> str:
        return f".rows .credential:has(button[aria-label=\"{profile}, details\"])"

    def menu(self, profile: str, item: str) -> None:
        self.browser.click(what=f"role=button[name='More actions for {profile}']")
        self.browser.click(what=f"role=menuitem[name='{item}']")

    def test_a_row_per_credential(self):
        """a row per credential, with what the server says of it, and names for screen readers"""
        self.enter()
        browser, status = self.browser, self.status()
        self.assertEqual(browser.count(what=".rows .credential"), len(status))
        for profile, one in list(status.items())[:5]:
            self.assertIn(profile, browser.text(what=self.row(profile)))
        self.assertEqual(browser.count(what="role=row"), len(status) + 1)
        self.assertEqual(browser.texts(what="role=columnheader")[:3], ["Credential", "Status", "Expires"])

    def test_filters(self):
        """groups, words, CLI and order; they are in the address and survive a reload"""
        self.enter()
        browser = self.browser
        total = browser.count(what=".rows .credential")
        browser.click(what="role=button[name=/Needs attention/]")
        browser.eventually(f"document.querySelectorAll('.rows .credential').length < {total}")
        self.assertIn("group=attention", browser.url())
        browser.reload()
        browser.wait(what=".rows .credential")
        self.assertEqual(browser.attribute(what="role=button[name=/Needs attention/]", name="aria-pressed"), "true")
        browser.click(what="role=button[name=/^All/]")
        browser.fill(what="role=searchbox", text="ada@example.com")
        browser.eventually(f"document.querySelectorAll('.rows .credential').length < {total}")
        self.assertTrue(all("ada@example.com" in text for text in browser.texts(what=".rows .credential")))
        browser.fill(what="role=searchbox", text="nobody has this name")
        browser.wait(what="text=Nothing matches")
        self.assert_clean("discovery-nothing-matches")
        browser.click(what="role=button[name='Show all']")
        browser.eventually(f"document.querySelectorAll('.rows .credential').length === {total}")
        browser.choose(what="role=combobox[name='CLI']", value="qwen-cli")
        browser.eventually(f"document.querySelectorAll('.rows .credential').length < {total}")
        self.assertTrue(all("Qwen Code" in text for text in browser.texts(what=".rows .credential")))
        browser.choose(what="role=combobox[name='CLI']", value="")
        browser.choose(what="role=combobox[name='Order']", value="name")
        names = sorted(browser.texts(what=".rows .link-button"), key=str.lower)
        browser.eventually(f"document.querySelector('.rows .link-button').textContent === {json.dumps(names[0])}")
        self.assertEqual(browser.texts(what=".rows .link-button"), names)

    def test_details(self):
        """the details: places, policy, quota; by its address too; Escape gives the focus back"""
        self.enter()
        browser = self.browser
        profile = "openai:default"
        browser.focus(what=f"role=button[name='{profile}, details']")
        browser.press(key="Enter")
        browser.wait(what=f"role=dialog[name='{profile}']")
        text = browser.text(what="dialog")
        for part in ("ada@example.com", ".codex/auth.json", "Policy", "Codex CLI", "Borrowed"):
            self.assertIn(part, text)
        self.assert_clean("discovery-details")
        self.assertIn("credential=", browser.url())
        browser.reload()
        browser.wait(what=f"role=dialog[name='{profile}']")
        browser.press(key="Escape")
        browser.wait(what="dialog", state="detached")
        self.assertNotIn("credential=", browser.url())

    def test_details_on_a_phone(self):
        """the details fill a phone's screen, and nothing is too wide"""
        self.enter(size=NARROW, scheme="dark")
        self.browser.click(what="role=button[name='openai:default, details']")
        self.browser.wait(what="role=dialog")
        self.assert_clean("discovery-details-360")

    def test_disable_and_enable(self):
        """disabling and enabling from the row's menu"""
        self.enter()
        browser, profile = self.browser, "moonshot:moonshot"
        self.menu(profile, "Disable")
        browser.wait(what=f"{self.row(profile)} >> text=Disabled")
        self.assertTrue(self.status()[profile]["pool"]["disabled"])
        self.menu(profile, "Enable")
        browser.wait(what=f"{self.row(profile)} >> text=Ready")
        self.assertFalse(self.status()[profile]["pool"]["disabled"])
        self.assertEqual(browser.problems(), [])

    def test_taking_out_asks_first(self):
        """taking a credential out of the pool asks first; a no changes nothing"""
        self.server.call("tokenDiscovery.scan", **{"import": True})
        self.enter()
        browser, profile = self.browser, "moonshot:moonshot"
        self.menu(profile, "Take out of the pool")
        browser.wait(what="role=dialog[name='Take it out of the pool?']")
        self.assertEqual(browser.focused()["name"].strip(), "Cancel")
        self.assert_clean("discovery-confirm")
        browser.press(key="Escape")
        browser.wait(what="dialog", state="detached")
        self.assertEqual(browser.focused()["name"], f"More actions for {profile}")
        self.assertTrue(self.status()[profile]["pool"]["imported"])
        self.menu(profile, "Take out of the pool")
        browser.click(what="dialog >> role=button[name='Take out']")
        self.eventually(lambda: self.status()[profile]["pool"]["imported"], False)
        self.menu(profile, "Import")
        self.eventually(lambda: self.status()[profile]["pool"]["imported"], True)

    def test_scan(self):
        """a scan says what it found"""
        self.enter()
        self.browser.click(what="role=button[name='Scan']")
        self.browser.wait(what="text=/Found \\d+ credentials? in \\d+ ms/")
        self.assert_clean("discovery-scanned")

    def test_live(self):
        """what happens elsewhere is seen without a reload: a login that appears, one that is disabled"""
        self.enter()
        browser = self.browser
        before = browser.count(what=".rows .credential")
        kept = self.server.call("tokenDiscovery.importManual", cli="codex-cli", token="sk-fake-0123456789-live-abcdefgh", profile="live", validate=False)
        browser.wait(what=f"text={kept['profileId']}")
        self.assertGreaterEqual(browser.count(what=".rows .credential"), before + 1)
        self.server.call("tokenDiscovery.setDisabled", credential=kept["id"], value=True)
        browser.wait(what=f"{self.row(kept['profileId'])} >> text=Disabled")

    def test_keyboard(self):
        """a row's menu by keyboard: open, move, choose, and the focus is where it was"""
        self.enter()
        browser, profile = self.browser, "gemini:stored"
        browser.focus(what=f"role=button[name='More actions for {profile}']")
        browser.press(key="Enter")
        self.assertEqual(browser.focused()["name"], "Details")
        browser.press(key="ArrowDown")
        self.assertEqual(browser.focused()["name"], "Validate now")
        browser.press(key="End")
        self.assertEqual(browser.focused()["name"], "Disable")
        browser.press(key="Escape")
        self.assertEqual(browser.focused()["name"], f"More actions for {profile}")

    def test_nothing_jumps(self):
        """rows come where their place was kept: the first load moves next to nothing"""
        browser = self.browser
        browser.fresh()
        browser.goto(url=self.server.link())
        browser.wait(what=".rows .credential")
        self.assertLess(browser.shift(), 0.1)


class Empty(ControlTest):
    @classmethod
    def make_server(cls):
        return Server(demo=False)

    def test_nothing_found(self):
        """an empty machine: which CLIs were looked for, where, and what to run"""
        for size, scheme in ((WIDE, "light"), (NARROW, "dark")):
            self.enter(size=size, scheme=scheme)
            browser = self.browser
            browser.wait(what="text=No login found on this machine")
            text = browser.text(what="main")
            for part in ("credpool demo", "Kimi CLI", ".codex/auth.json", "Gemini CLI"):
                self.assertIn(part, text)
            self.assert_clean(f"discovery-empty-{size[0]}")

    def test_other_pages(self):
        """the other pages of an empty machine are clean, too"""
        self.enter()
        for page in PAGES:
            with self.subTest(page=page):
                self.to(page)
                self.assert_clean(f"{page}-empty")


NAUGHTY = ['<img src=x onerror="window.hit=1">', '"><script>window.hit=1</script>', "javascript:window.hit=1", "{{7*7}}", "\u202egnp.exe",
           "x" * 300]


class Naughty(ControlTest):
    @classmethod
    def make_server(cls):
        def prepare(home):
            folder = home / ".kimi"
            folder.mkdir(parents=True, mode=0o700)
            text = "".join(f"[providers.{json.dumps(name)}]\ntype = \"openai_legacy\"\nbase_url = \"https://api.moonshot.ai/v1\"\napi_key = \"sk-fake-naughty-{at}-0123456789abcdef\"\n"
                           for at, name in enumerate(NAUGHTY))
            (folder / "config.toml").write_text(text)
            (folder / "config.toml").chmod(0o600)
        return Server(demo=False, prepare=prepare)

    def test_names_are_text(self):
        """names with markup in them are text everywhere: nothing of them runs, nothing is refused"""
        self.assertGreater(len(self.server.call("tokenDiscovery.status")["credentials"]), 3)
        self.enter()
        browser = self.browser
        browser.eventually("[...document.querySelectorAll('.rows .link-button')].some((one) => one.textContent.includes('<img'))")
        self.assertIn("<img", browser.text(what=".rows"))
        self.assertNotIn("\u202e", browser.text(what=".rows"))
        for at in range(browser.count(what=".rows .link-button")):
            browser.click(what=f".rows .link-button >> nth={at}")
            browser.wait(what="dialog")
            browser.press(key="Escape")
            browser.wait(what="dialog", state="detached")
        for page in PAGES:
            self.to(page)
            self.assert_clean(f"{page}-naughty")
        self.assertEqual(browser.evaluate(expression="typeof window.hit"), "undefined")
        self.assertEqual(browser.count(what="main img, main script"), 0)


if __name__ == "__main__":
    unittest.main()
