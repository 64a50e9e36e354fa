# SPDX-License-Identifier: MIT
"""The page Rotation: the live picture, the strategy, priorities and orders, explain, the simulator; with three keys and with 1,000."""
import time
import unittest

from busy_server import BusyServer
from control_world import NARROW, WIDE, ControlTest

TABS = ("live", "strategy", "explain", "simulate")


class Rotation(ControlTest):
    @classmethod
    def make_server(cls):
        server = BusyServer(count=3)
        server.call("tokenDiscovery.scan", **{"import": True})
        return server

    def strategy(self) -> str:
        return self.server.call("tokenDiscovery.status")["strategy"]

    def priorities(self) -> dict:
        rows = self.server.call("tokenDiscovery.settings")["settings"]
        return {row["path"].split(".")[1]: row["value"] for row in rows if row["path"].startswith("cliSources.") and row["path"].endswith(".priority")}

    def test_the_live_picture(self):
        """requests appear as they are served: by model, by credential and minute; a cell is read by the keyboard"""
        for _ in range(3):
            self.assertEqual(self.server.ask(), 200)
        self.enter("rotation")
        browser = self.browser
        browser.wait(what=".heat-strip")
        browser.eventually("document.querySelectorAll('.heat-list .virtual-row').length === 3")
        total = "[...document.querySelectorAll('.heat-list .virtual-row > :last-child')].reduce((sum, one) => sum + Number(one.textContent), 0)"
        before = browser.evaluate(expression=total)
        for _ in range(6):
            self.server.ask("gpt-fake-mini")
        browser.wait(what=".plot-legend >> text=gpt-fake-mini")
        browser.eventually(f"{total} >= {before + 6}")
        browser.focus(what=".heat-list .virtual-box")
        browser.press(key="End")
        self.assertRegex(browser.text(what=".heat-readout"), r"^\d\d:\d\d .*: \d+ requests?")
        before = browser.text(what=".heat-readout")
        browser.press(key="ArrowDown")
        self.assertNotEqual(browser.text(what=".heat-readout"), before)
        self.assert_clean("rotation-live")

    def test_served_while_the_page_asks(self):
        """what is served while an answer is on its way is counted"""
        self.server.ask("gpt-fake-mini")
        self.enter("rotation")
        browser = self.browser
        browser.wait(what=".plot-legend >> text=gpt-fake-mini")
        browser.evaluate(expression="""(() => {
            const real = window.fetch;
            window.fetch = async (...asked) => {
                const answer = await real(...asked);
                if (String(asked[1]?.body).includes('activity.recent')) {
                    window.slowAnswers = (window.slowAnswers ?? 0) + 1;
                    await new Promise((done) => setTimeout(done, 2500));
                }
                return answer;
            };
        })()""")
        total = "[...document.querySelectorAll('.heat-list .virtual-row > :last-child')].reduce((sum, one) => sum + Number(one.textContent), 0)"
        before = browser.evaluate(expression=total)
        browser.click(what="text=15 min")
        browser.eventually("window.slowAnswers >= 1")
        self.server.ask("gpt-fake-mini")
        time.sleep(4)  # the event has come, then the answer that does not know of it
        browser.eventually(f"{total} === {before + 1}")

    def test_a_plot_by_keyboard(self):
        """a plot is read position by position, filtered by its legend, and is a table as well"""
        self.server.ask()
        self.server.ask("gpt-fake-mini")
        self.enter("rotation")
        browser = self.browser
        browser.wait(what=".plot-legend >> text=gpt-fake-mini")
        browser.focus(what="role=slider[name='Requests a minute, by model']")
        browser.press(key="End")
        self.assertIn("in all", browser.attribute(what=".plot-area", name="aria-valuetext"))
        browser.press(key="Home")
        self.assertEqual(browser.attribute(what=".plot-area", name="aria-valuenow"), "0")
        self.assertTrue(browser.visible(what=".plot-readout"))
        browser.press(key="Escape")
        self.assertFalse(browser.visible(what=".plot-readout"))
        marks = browser.count(what=".plot-mark")
        browser.click(what=".plot-legend-entry >> nth=0")
        browser.eventually(f"document.querySelectorAll('.plot-mark').length === {marks - 1}")
        browser.click(what=".plot-table summary")
        browser.wait(what=".plot-table table")
        self.assertEqual(browser.axe(), [])

    def test_the_strategy(self):
        """chosen by keyboard, switched by the button alone, confirmed by the server; a change made elsewhere is shown"""
        self.enter("rotation", query="?tab=strategy")
        browser = self.browser
        browser.wait(what="role=radio[name=/^round-robin/]")
        self.assertEqual(self.strategy(), "round-robin")
        browser.focus(what="role=radio[name=/^round-robin/]")
        browser.press(key="ArrowDown")
        self.assertEqual(self.strategy(), "round-robin")  # looking at the others changes nothing
        browser.click(what="role=button[name='Keep round-robin']")
        self.assertTrue(browser.checked(what="role=radio[name=/^round-robin/]"))
        browser.click(what="role=radio[name=/^priority/]")
        browser.click(what="role=button[name='Switch to priority']")
        browser.wait(what="text=The strategy is priority now.")
        self.assertEqual(self.strategy(), "priority")
        self.assertIn("// what this test needs", (self.server.home / ".config/credpool/config.json5").read_text())
        browser.picture("rotation-switched")
        self.server.call("tokenDiscovery.configure", patch={"rotationStrategy": "round-robin"})
        browser.eventually("document.querySelector('.standing strong').textContent === 'round-robin'")
        browser.eventually("document.querySelector('.strategies input:checked').value === 'round-robin'")
        self.assertEqual(browser.problems(), [])

    def test_priorities(self):
        """by arrow keys on the handle, by buttons, by number and by drag; nothing is kept before it is saved"""
        self.server.call("tokenDiscovery.configure", patch={"cliSources.kimi-cli.priority": 1, "cliSources.codex-cli.priority": 2, "cliSources.env.priority": 5})
        self.enter("rotation", query="?tab=strategy")
        browser = self.browser
        order = lambda: browser.evaluate(expression="[...document.querySelectorAll('.reorder')[0].children].map((one) => one.dataset.key)")  # noqa: E731
        browser.wait(what=".reorder-row >> text=env")
        began = order()
        self.assertEqual(began[:2], ["kimi-cli", "codex-cli"])
        browser.focus(what="li[data-key='kimi-cli'] .handle")
        browser.press(key="ArrowDown")
        self.assertEqual(order()[:2], ["codex-cli", "kimi-cli"])
        self.assertIn("place 2", browser.focused()["name"])
        self.assertEqual(self.priorities()["kimi-cli"], 1)
        browser.click(what="role=button[name='Discard']")
        self.assertEqual(order(), began)
        browser.drag(what="li[data-key='kimi-cli'] .handle", to=f"li[data-key='{began[-1]}'] .reorder-step >> nth=1")
        self.assertEqual(order()[-1], "kimi-cli")
        browser.click(what="role=button[name='Discard']")
        browser.click(what="role=button[name='Move codex-cli up']")
        browser.click(what="role=button[name=/^Save \\d+ priorit/]")
        browser.wait(what="text=The priorities are saved.")
        self.assertEqual([self.priorities()[cli] for cli in ("codex-cli", "kimi-cli")], [1, 2])
        browser.fill(what="role=textbox[name='Priority of env']", text="nonsense")
        browser.press(key="Tab")
        self.assertEqual(browser.attribute(what="role=textbox[name='Priority of env']", name="aria-invalid"), "true")
        browser.fill(what="role=textbox[name='Priority of env']", text="0")
        browser.press(key="Tab")
        self.assertEqual(order()[0], "env")
        browser.click(what="role=button[name='Save 1 priority']")
        browser.eventually("!document.querySelector('.reorder ~ .row button, .card-body > .row .button.primary')")
        self.assertEqual(self.priorities()["env"], 0)
        self.assertEqual(browser.problems(), [])

    def test_an_order(self):
        """an order of one provider: set, with one left out, and removed after a question"""
        self.enter("rotation", query="?tab=strategy")
        browser = self.browser
        browser.choose(what="role=combobox[name='Provider']", value="openai")
        browser.click(what="role=button[name='Set an order']")
        rows = browser.evaluate(expression="[...document.querySelectorAll('.reorder')].at(-1).childElementCount")
        self.assertEqual(rows, 3)
        profiles = browser.evaluate(expression="[...[...document.querySelectorAll('.reorder')].at(-1).children].map((one) => one.dataset.key)")
        browser.click(what=f"role=switch[name='Lend {profiles[0]}']")
        browser.focus(what=f"li[data-key='{profiles[1]}'] .handle")
        browser.press(key="ArrowDown")
        browser.click(what="role=button[name='Save this order']")
        browser.wait(what="text=The order of openai is saved.")
        self.assertEqual(self.server.call("order.get")["order"]["openai"], [profiles[2], profiles[1]])
        self.assertIn(profiles[0], browser.text(what="text=/^Left out/"))
        self.assert_clean("rotation-order")
        browser.click(what="role=button[name='Remove']")
        browser.wait(what="role=dialog[name='Remove the order of openai?']")
        browser.click(what="dialog >> role=button[name='Cancel']")
        self.assertIn("openai", self.server.call("order.get")["order"])
        browser.click(what="role=button[name='Remove']")
        browser.click(what="dialog >> role=button[name='Remove the order']")
        browser.wait(what="text=The order of openai is removed.")
        self.assertNotIn("openai", self.server.call("order.get")["order"])

    def test_explain(self):
        """who would serve a sample request, and in words why not the others; the request stands in the address"""
        self.enter("rotation", query="?tab=explain")
        browser = self.browser
        browser.wait(what=".explain-table")
        browser.choose(what="role=combobox[name='Provider']", value="openai")
        browser.wait(what="text=/of other providers left out/")
        self.assertIn("would serve", browser.text(what=".explain-verdict"))
        self.assertEqual(browser.count(what=".explain-table tbody tr"), 3)
        self.assertIn("provider=openai", browser.url())
        credentials = [one for one in self.server.call("tokenDiscovery.status")["credentials"] if one["provider"] == "openai"]
        for one in credentials:
            self.server.call("tokenDiscovery.setDisabled", credential=one["id"], value=True)
        try:
            browser.reload()
            browser.wait(what="text=Nobody can serve it")
            self.assertEqual(set(browser.texts(what=".explain-table .status")), {"Switched off"})
            self.assert_clean("rotation-explain-nobody")
        finally:
            for one in credentials:
                self.server.call("tokenDiscovery.setDisabled", credential=one["id"], value=False)

    def test_simulate(self):
        """the simulator's result as a table and a plot; bad numbers are refused at the field"""
        self.enter("rotation", query="?tab=simulate")
        browser = self.browser
        browser.fill(what="role=textbox[name='Credentials']", text="many")
        browser.click(what="role=button[name='Simulate']")
        browser.wait(what="text=/A whole number from 1 to/")
        browser.fill(what="role=textbox[name='Credentials']", text="5")
        browser.fill(what="role=textbox[name='Requests in an hour']", text="2000")
        browser.press(key="Enter")
        browser.wait(what=".simulate-table")
        self.assertEqual(browser.count(what=".simulate-table tbody tr"), 9)
        browser.choose(what="role=combobox[name='Show the credentials under']", value="fill-first")
        browser.wait(what="text=with fill-first")
        browser.wait(what=".plot-mark")
        self.assert_clean("rotation-simulated", whole=True)

    def test_is_clean(self):
        """every part, wide and narrow, light and dark"""
        self.server.ask()
        for size, scheme in ((WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")):
            self.enter("rotation", size=size, scheme=scheme)
            for tab in TABS:
                with self.subTest(tab=tab, width=size[0], scheme=scheme):
                    self.to("rotation", f"?tab={tab}")
                    self.browser.wait(what={"live": ".heat-strip", "strategy": ".reorder-row", "explain": ".explain-table", "simulate": ".simulate-form"}[tab])
                    self.assert_clean(f"rotation-{tab}-{size[0]}-{scheme}")


class ManyCredentials(ControlTest):
    COUNT = 1000

    @classmethod
    def make_server(cls):
        server = BusyServer(count=cls.COUNT)
        server.call("tokenDiscovery.scan", **{"import": True})
        return server

    def test_a_thousand(self):
        """1,000 credentials: those that serve are shown, the page stays quick, explain shows them all when asked"""
        self.assertGreaterEqual(len(self.server.call("tokenDiscovery.status")["credentials"]), self.COUNT)
        for _ in range(60):
            self.server.ask()
        begin = time.monotonic()
        self.enter("rotation")
        browser = self.browser
        browser.wait(what=".heat-strip")
        print(f"# 1,000 credentials: shown after {time.monotonic() - begin:.2f} s, signing in included")
        self.assertRegex(browser.text(what=".page.rotation"), r"\d+ of 1,00\d credentials served nothing")
        self.assertLess(browser.count(what=".page.rotation *"), 3000)
        self.to("rotation", "?tab=explain")
        browser.click(what="role=button[name=/^Show all 1,00/]")
        browser.eventually(f"document.querySelectorAll('.explain-table tbody tr').length >= {self.COUNT}")
        self.assertEqual(browser.problems(), [])


if __name__ == "__main__":
    unittest.main()
