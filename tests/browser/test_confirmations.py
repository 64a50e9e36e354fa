# SPDX-License-Identifier: MIT
"""What cannot be undone in a moment is asked first, while requests run and cooldowns count: a no changes nothing at the server.

The other questions stand with their pages: test_discovery.py (taking out), test_settings.py (forbidding), test_rotation_page.py (an
order), test_history_page.py (clearing), test_usage_page.py (keys, credits), test_shell.py (signing out)."""
import threading
import unittest

from busy_server import BusyServer
from control_world import ControlTest


class Confirmations(ControlTest):
    @classmethod
    def make_server(cls):
        server = BusyServer(count=2)
        server.call("tokenDiscovery.scan", **{"import": True})
        return server

    def tearDown(self):
        self.server.fake.release()
        self.server.fake.reset()
        self.server.call("cooldown.clear")
        for one in self.openai():
            self.server.call("tokenDiscovery.setDisabled", credential=one["id"], value=False)

    def openai(self) -> list[dict]:
        return [one for one in self.server.call("tokenDiscovery.status")["credentials"] if one["provider"] == "openai"]

    def row_of(self, profile: str) -> dict:
        return next(one for one in self.openai() if one["profileId"] == profile)

    def ask_in_menu(self, profile: str, item: str, question: str) -> None:
        self.browser.click(what=f"role=button[name='More actions for {profile}']")
        self.browser.click(what=f"role=menuitem[name='{item}']")
        self.browser.wait(what=f"role=dialog[name='{question}']")
        self.assertEqual(self.browser.focused()["name"].strip(), "Cancel")

    def leave(self, by: str) -> None:
        if by == "escape":
            self.browser.press(key="Escape")
        else:
            self.browser.click(what="dialog >> role=button[name='Cancel']")
        self.browser.wait(what="dialog", state="detached")

    def test_ending_a_cooldown(self):
        """ending a cooldown asks first, in the row's menu and in the details"""
        self.server.fake.rules(first={"kind": "status", "status": 402, "headers": {"x-ratelimit-reset-requests": "3000s"}})
        self.assertEqual(self.server.ask(), 200)  # by the other key
        (profile,) = [one["profileId"] for one in self.openai() if not one["pool"]["eligible"]]
        cooldowns = lambda: [one["profileId"] for one in self.server.call("cooldown.list")["cooldowns"]]  # noqa: E731
        self.assertEqual(cooldowns(), [profile])
        self.enter()
        browser, question = self.browser, "End this cooldown now?"
        for by in ("cancel", "escape"):
            with self.subTest(by=by):
                self.ask_in_menu(profile, "End cooldown", question)
                self.assertIn("openai asked to wait", browser.text(what="dialog"))
                self.leave(by)
                self.assertEqual((cooldowns(), self.row_of(profile)["pool"]["eligible"]), ([profile], False))
        browser.click(what=f"role=button[name='{profile}, details']")
        browser.click(what="dialog >> role=button[name='End cooldown']")
        browser.wait(what=f"role=dialog[name='{question}']")
        self.assert_clean("discovery-end-cooldown")
        browser.click(what=f"role=dialog[name='{question}'] >> role=button[name='Cancel']")
        browser.eventually("document.querySelectorAll('dialog').length === 1")
        self.assertEqual(cooldowns(), [profile])
        browser.press(key="Escape")
        browser.wait(what="dialog", state="detached")
        self.ask_in_menu(profile, "End cooldown", question)
        browser.click(what="dialog >> role=button[name='End cooldown']")
        browser.wait(what=f"text={profile} may be lent again.")
        self.assertEqual((cooldowns(), self.row_of(profile)["pool"]["eligible"]), ([], True))
        self.assertEqual(browser.problems(), [])

    def test_ending_the_cooldown_of_a_model(self):
        """a model that cools down is told while others are lent, in the row and in the details, and ended after a question"""
        self.server.fake.rules(first={"kind": "status", "status": 429, "headers": {"retry-after": "3000"}})
        self.assertEqual(self.server.ask(), 200)  # by the other key
        cooldowns = lambda: [(one["profileId"], one["model"]) for one in self.server.call("cooldown.list")["cooldowns"]]  # noqa: E731
        (profile, model), = cooldowns()
        self.assertEqual((model, self.row_of(profile)["pool"]["eligible"]), ("gpt-fake", True))
        self.enter()
        browser, question = self.browser, "End this cooldown now?"
        row = f".rows .credential:has(button[aria-label=\"{profile}, details\"])"
        browser.wait(what=f"{row}:has-text('Cools down for gpt-fake')")  # rows are drawn anew meanwhile
        browser.click(what=f"role=button[name='{profile}, details']")
        self.assertRegex(browser.text(what="dialog >> section:has(h3:text('Cooldowns'))"), r"gpt-fake\s+rate limit, \d+\s+min .*left")
        self.assert_clean("discovery-model-cooldown")
        browser.press(key="Escape")
        browser.wait(what="dialog", state="detached")
        self.ask_in_menu(profile, "End cooldown", question)
        self.leave("cancel")
        self.assertEqual(cooldowns(), [(profile, model)])
        self.ask_in_menu(profile, "End cooldown", question)
        browser.click(what="dialog >> role=button[name='End cooldown']")
        browser.wait(what=f"text={profile} may be lent again.")
        self.assertEqual(cooldowns(), [])
        browser.eventually("!document.querySelector('.rows').textContent.includes('ools down for')")

    def test_disabling_what_is_in_use(self):
        """disabling asks first while requests run with the credential; they end normally, and new ones go elsewhere"""
        self.server.fake.rules(any_key={"kind": "hold", "times": 1})
        answers = []
        slow = threading.Thread(target=lambda: answers.append(self.server.ask()), daemon=True)
        slow.start()
        self.eventually(lambda: sum(one["inFlight"] for one in self.openai()), 1)
        busy = next(one["profileId"] for one in self.openai() if one["inFlight"] > 0)
        disabled = lambda: self.row_of(busy)["pool"]["disabled"]  # noqa: E731
        self.enter()
        browser, question = self.browser, "Disable while in use?"
        for by in ("cancel", "escape"):
            with self.subTest(by=by):
                self.ask_in_menu(busy, "Disable", question)
                self.assertIn(f"{busy} serves 1 request now", browser.text(what="dialog"))
                self.leave(by)
                self.assertEqual((disabled(), self.row_of(busy)["inFlight"]), (False, 1))
        self.ask_in_menu(busy, "Disable", question)
        self.assert_clean("discovery-disable-in-use")
        browser.click(what="dialog >> role=button[name='Disable']")
        browser.wait(what=f"text={busy} is disabled: it is not lent any more.")
        self.assertEqual((disabled(), self.row_of(busy)["inFlight"], answers), (True, 1, []))
        self.server.fake.release()
        slow.join(timeout=20)
        self.assertEqual(answers, [200])
        used = {one["key"] for one in self.server.fake.requests()}
        for _ in range(3):
            self.assertEqual(self.server.ask(), 200)
        keys = {one["key"] for one in self.server.fake.requests()[1:]}
        self.assertEqual((len(keys), keys & used), (1, set()))
        self.assertEqual(browser.problems(), [])


if __name__ == "__main__":
    unittest.main()
