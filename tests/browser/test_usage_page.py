# SPDX-License-Identifier: MIT
"""The page Usage and budgets: what was served, quota windows, accounts with their keys and credits, and a server without accounts."""
import unittest

from busy_server import BusyServer
from control_world import NARROW, WIDE, ControlTest

EMAIL = "ann@example.com"


class Budgets(ControlTest):
    @classmethod
    def make_server(cls):
        server = BusyServer(open_to_all=False)
        server.call("tokenDiscovery.scan", **{"import": True})
        for email in (EMAIL, "bob@example.com"):
            status, answer = server.post("/auth/register", {"email": email, "password": "Secret123"})
            assert status == 201, answer
        cls.account = next(one["id"] for one in server.call("accounts.list", limit=10, offset=0)["accounts"] if one["email"] == EMAIL)
        server.call("credits.grant", account=cls.account, amount=20, note="for this test")
        made = server.call("keys.create", account=cls.account, name="laptop", credit_limit=10, limit_reset="monthly")
        cls.key = made["key"]
        return server

    def keys(self) -> dict:
        return {one["name"]: one for one in self.server.call("keys.list", account=self.account)["items"]}

    def enter_accounts(self, **more) -> None:
        self.enter("usage", query=f"?tab=accounts&account={self.account}", **more)
        self.browser.wait(what=".keys-table")

    def menu(self, key: str, item: str) -> None:
        self.browser.click(what=f"role=button[name='Actions for {key}']")
        self.browser.click(what=f"role=menuitem[name='{item}']")

    def test_activity(self):
        """requests of today by model, credential and provider; more come in by themselves"""
        self.assertEqual(self.server.ask(key=self.key), 200)
        self.enter("usage")
        browser = self.browser
        browser.wait(what=".plot-mark")
        first = int(browser.text(what=".figure dd").replace(",", ""))
        self.assertGreaterEqual(first, 1)
        for _ in range(3):
            self.server.ask(key=self.key)
        browser.eventually(f"Number(document.querySelector('.figure dd').textContent.replace(',', '')) >= {first + 3}")
        browser.click(what=".segment >> text=Credential")
        browser.wait(what="role=heading[name='Requests by day and credential']")
        browser.wait(what=".breakdown >> text=/openai/")
        self.assertIn("by=credential", browser.url())
        browser.click(what=".segment >> text=Failures")
        browser.wait(what="text=No request has failed in this time.")
        self.assert_clean("usage-no-failure")

    def test_a_key_is_shown_once(self):
        """creating a key: names are checked, the value is shown once, survives Escape until it was copied, and works"""
        self.enter_accounts()
        browser = self.browser
        browser.click(what="role=button[name='Create a key']")
        browser.wait(what="role=dialog[name='Create a key']")
        self.assertEqual(browser.axe(), [])
        browser.type(text="not a name")
        browser.press(key="Enter")
        browser.wait(what="text=/1 to 100 letters/")
        browser.fill(what="role=textbox[name='Name']", text="fresh")
        browser.fill(what="role=textbox[name='Limit in dollars']", text="five")
        browser.press(key="Enter")
        browser.wait(what="text=/An amount in dollars/")
        browser.fill(what="role=textbox[name='Limit in dollars']", text="5")
        browser.choose(what="role=combobox[name='The limit is renewed']", value="daily")
        browser.click(what="dialog >> role=button[name='Create']")
        browser.wait(what="role=dialog[name='The new key fresh']")
        key = browser.text(what=".key-value")
        self.assertRegex(key, r"^sk-prov-[0-9a-f]+$")
        self.assertEqual(browser.axe(), [])
        browser.press(key="Escape")
        browser.wait(what="text=/Not copied yet/")
        browser.click(what="role=button[name='Copy the key']")
        browser.wait(what="dialog >> text=Copied")
        self.assertEqual(browser.evaluate(expression="navigator.clipboard.readText()"), key)
        browser.press(key="Escape")
        browser.wait(what=".keys-table >> text=fresh")
        self.assertNotIn(key, browser.evaluate(expression="document.documentElement.outerHTML"))
        self.assertEqual(self.server.ask(key=key), 200)
        self.assertEqual((self.keys()["fresh"]["credit_limit"], self.keys()["fresh"]["limit_reset"]), (5, "daily"))

    def test_ends_of_a_key_are_confirmed(self):
        """disable, rotate and revoke each ask first; Cancel changes nothing"""
        made = self.server.call("keys.create", account=self.account, name="doomed")
        self.enter_accounts()
        browser = self.browser
        browser.wait(what=".keys-table >> text=doomed")
        for item, question, action in (("Disable", "Disable doomed?", "Disable the key"), ("Rotate", "Rotate doomed?", "Rotate the key"), ("Revoke", "Revoke doomed?", "Revoke the key")):
            with self.subTest(item=item):
                self.menu("doomed", item)
                browser.wait(what=f"role=dialog[name='{question}']")
                self.assertEqual(browser.focused()["name"], "Cancel")
                self.assertEqual(browser.axe(), [])
                browser.picture(f"usage-{item.lower()}")
                browser.press(key="Escape")
                browser.eventually("!document.querySelector('dialog')")
                self.assertEqual(self.server.ask(key=made["key"]), 200)
        self.menu("doomed", "Disable")
        browser.click(what="role=button[name='Disable the key']")
        browser.wait(what="text=doomed is disabled.")
        self.assertEqual(self.server.ask(key=made["key"]), 401)
        self.menu("doomed", "Enable")
        browser.wait(what="text=doomed is enabled.")
        self.menu("doomed", "Rotate")
        browser.click(what="role=button[name='Rotate the key']")
        browser.wait(what="role=dialog[name='The new value of doomed']")
        fresh = browser.text(what=".key-value")
        browser.click(what="role=button[name='I have kept it']")
        self.assertEqual((self.server.ask(key=made["key"]), self.server.ask(key=fresh)), (401, 200))
        self.menu("doomed", "Revoke")
        browser.click(what="role=button[name='Revoke the key']")
        browser.wait(what="text=doomed is revoked.")
        browser.eventually("![...document.querySelectorAll('.keys-table th')].some((one) => one.textContent.includes('doomed'))")
        self.assertEqual(self.server.ask(key=fresh), 401)
        browser.click(what="role=switch[name='Show revoked keys']")
        browser.wait(what=".keys-table >> text=doomed")
        self.assertEqual(browser.problems(), [])

    def test_limits(self):
        """a limit is changed by keyboard; what is used of it is a meter with words"""
        self.enter_accounts()
        browser = self.browser
        browser.focus(what="role=button[name='Actions for laptop']")
        browser.press(key="Enter")
        browser.press(key="Enter")
        browser.wait(what="role=dialog[name='Limit and expiry of laptop']")
        self.assertEqual(browser.value(what="role=textbox[name='Limit in dollars']"), "10")
        browser.fill(what="role=textbox[name='Limit in dollars']", text="12.5")
        browser.press(key="Enter")
        browser.wait(what="text=/of \\$12.50 a month/")
        self.assertEqual(self.keys()["laptop"]["credit_limit"], 12.5)

    def test_granting(self):
        """credits are granted after a second look at the sum"""
        self.enter_accounts()
        browser = self.browser
        rows = lambda: self.server.call("credits.history", account=self.account, limit=50, offset=0)["total"]  # noqa: E731
        before = rows()
        browser.click(what="role=button[name='Grant credits']")
        browser.type(text="7.25")
        browser.fill(what="role=textbox[name='Note']", text="<b>thanks</b>")
        browser.press(key="Enter")
        browser.wait(what="role=dialog[name='Grant $7.25?']")
        self.assertEqual(browser.axe(), [])
        browser.click(what="dialog >> role=button[name='Cancel']")
        self.assertEqual(rows(), before)
        browser.click(what="role=button[name='Grant credits']")
        browser.type(text="7.25")
        browser.fill(what="role=textbox[name='Note']", text="<b>thanks</b>")
        browser.press(key="Enter")
        browser.click(what="role=button[name='Grant $7.25']")
        browser.wait(what=".credits-table >> text=<b>thanks</b>")
        self.assertEqual(rows(), before + 1)

    def test_is_clean(self):
        """every part, wide and narrow, light and dark"""
        self.server.ask(key=self.key)
        for size, scheme in ((WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")):
            self.enter("usage", size=size, scheme=scheme)
            for tab, sign in (("activity", ".plot-mark"), ("quotas", ".state"), ("accounts", ".keys-table")):
                with self.subTest(tab=tab, width=size[0], scheme=scheme):
                    self.to("usage", f"?tab={tab}&account={self.account}")
                    self.browser.wait(what=sign)
                    self.assert_clean(f"usage-{tab}-{size[0]}-{scheme}", whole=True)


class WithoutAccounts(ControlTest):
    @classmethod
    def make_server(cls):
        return BusyServer()

    def test_how_to_have_accounts(self):
        """a server for everybody shows its activity, and says in a sentence how to have accounts"""
        self.enter("usage", query="?tab=accounts")
        browser = self.browser
        browser.wait(what="role=heading[name='This server has no accounts']")
        self.assertIn("--open", browser.text(what=".state"))
        self.assert_clean("usage-without-accounts")
        browser.click(what="role=tab[name='Activity']")
        browser.wait(what="text=No request has been served in this time.")
        self.assert_clean("usage-nothing-served")


if __name__ == "__main__":
    unittest.main()
