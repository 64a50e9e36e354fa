# SPDX-License-Identifier: MIT
"""The page Settings: each change at once, its answer beside it, what is refused goes back."""
import unittest

from control_world import ControlTest


class Settings(ControlTest):
    def value(self, path: str):
        return next((one["value"] for one in self.server.call("tokenDiscovery.settings")["settings"] if one["path"] == path), None)

    def test_a_switch(self):
        """a switch is saved at once, says where, and is so after a reload"""
        self.enter("settings")
        browser = self.browser
        switch = "role=switch[name='Import by itself']"
        self.assertTrue(browser.checked(what=switch))
        browser.click(what=switch)
        browser.wait(what="text=/Saved in .*, in force now/")
        self.assert_clean("settings-saved")
        self.assertIs(self.value("autoImport"), False)
        browser.reload()
        browser.wait(what=switch)
        self.assertFalse(browser.checked(what=switch))
        browser.focus(what=switch)
        browser.press(key="Space")
        self.eventually(lambda: self.value("autoImport"), True)

    def test_a_priority(self):
        """a priority is a whole number; another text is refused before it is sent"""
        self.enter("settings")
        browser = self.browser
        field = "role=spinbutton[name='Priority of Codex CLI']"
        browser.fill(what=field, text="1.5")
        browser.press(key="Tab")
        browser.wait(what="text=A whole number, 0 to 1000000.")
        browser.fill(what=field, text="7")
        browser.press(key="Tab")
        browser.wait(what="text=/Saved in/")
        self.assertEqual(self.value("cliSources.codex-cli.priority"), 7)

    def test_forbidding_asks_first(self):
        """forbidding a provider asks first; a no puts the choice back"""
        self.enter("settings")
        browser = self.browser
        choice = "role=combobox[name='Policy of moonshot']"
        before = browser.value(what=choice)
        browser.choose(what=choice, value="forbid")
        browser.wait(what="role=dialog[name='Forbid moonshot?']")
        self.assertEqual(browser.axe(), [])
        browser.click(what="role=button[name='Cancel']")
        browser.wait(what="dialog", state="detached")
        self.assertEqual(browser.value(what=choice), before)
        self.assertIsNone(self.value("policy.moonshot"))
        browser.choose(what=choice, value="forbid")
        browser.click(what="dialog >> role=button[name='Forbid']")
        browser.wait(what="text=/Saved in/")
        self.assertEqual(self.value("policy.moonshot"), "forbid")
        browser.choose(what=choice, value="")
        self.eventually(lambda: self.value("policy.moonshot"), None)

    def test_doctor_and_all_settings(self):
        """doctor's findings with what mends them, and every setting with its origin"""
        self.enter("settings")
        browser = self.browser
        browser.wait(what="text=the store is readable by others")
        self.assertIn("chmod 600", browser.text(what="main"))
        browser.click(what="role=button[name='Check again']")
        browser.wait(what="text=the store is readable by others")
        browser.click(what="summary >> text=/All settings/")
        browser.fill(what="role=searchbox[name='Find a setting']", text="rotationStrategy")
        browser.eventually("document.querySelectorAll('.everything tbody tr').length === 1")
        self.assertIn("least-used", browser.text(what=".everything tbody"))
        self.assert_clean("settings-all", whole=True)


if __name__ == "__main__":
    unittest.main()
