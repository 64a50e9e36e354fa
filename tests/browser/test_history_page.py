# SPDX-License-Identifier: MIT
"""The page History: 100,000 entries in a list, filters in the address, export, clearing, what is live, what is broken."""
import csv
import io
import json
import time
import unittest

from busy_server import write_history
from control_world import NARROW, WIDE, ControlTest, Server

MANY = 100_000
ODD = "openai:<img src=x onerror=alert(1)>,\"quoted\""


class LongHistory(ControlTest):
    @classmethod
    def make_server(cls):
        server = Server(demo=False, prepare=lambda home: write_history(home, MANY, odd=ODD))
        begin = time.monotonic()
        server.call("tokenDiscovery.getHistory", verify=False)  # reads all of it once
        server.call("tokenDiscovery.getHistory", verify=True)
        print(f"# the first page of a history of {MANY:,}, and its verification: {time.monotonic() - begin:.1f} s")
        return server

    def enter_history(self, **more) -> None:
        self.enter("history", **more)
        self.browser.wait(what=".history-open")

    def first_rows(self) -> list[str]:
        return self.browser.texts(what=".history-open")

    def test_scrolls_from_end_to_end(self):
        """100,000 entries: a few rows in the document at any time, the last one is reached, frames stay short"""
        self.enter_history()
        browser = self.browser
        self.assertIn(f"{MANY:,} entries", browser.text(what=".page.history"))
        self.assertEqual(self.first_rows()[0], ODD)
        frames = browser.evaluate(expression="""(async () => {
            const box = document.querySelector('.virtual-box');
            const took = [];
            let last = performance.now();
            for (let i = 0; i < 150; i += 1) {
              box.scrollTop += i < 100 ? 90 : (box.scrollHeight - box.clientHeight) / 50;
              await new Promise(requestAnimationFrame);
              took.push(performance.now() - last);
              last = performance.now();
            }
            return took.sort((a, b) => a - b);
          })()""")
        print(f"# frames while scrolling: median {frames[75]:.0f} ms, 95th of a hundred {frames[142]:.0f} ms")
        browser.focus(what=".virtual-box")
        browser.press(key="End")
        browser.wait(what="text=kimi-code:person-000000")
        self.assertLess(browser.count(what=".virtual-row"), 80)
        self.assertEqual(browser.attribute(what=".virtual-row:last-child", name="aria-rowindex"), str(MANY + 1))
        browser.press(key="Home")
        browser.eventually("document.querySelector('.virtual-box').scrollTop === 0")
        self.assertEqual(self.first_rows()[0], ODD)
        self.assertEqual(browser.problems(), [])

    def test_names_are_text(self):
        """a name that looks like markup is shown as it is; a history that nobody vouches for is not called unchanged"""
        self.enter_history()
        self.browser.wait(what="text=No record to check it against yet")
        self.assertEqual(self.browser.count(what=".page img"), 0)
        self.assertEqual(self.first_rows()[0], ODD)

    def test_filters_are_in_the_address(self):
        """search, CLI, status and order narrow the list, stand in the address, and come back with it"""
        self.enter_history()
        browser = self.browser
        browser.fill(what="role=searchbox[name='Search']", text="PERSON-0001")
        browser.wait(what="text=/^100 of 100,000 entries/")
        self.assertIn("text=PERSON-0001", browser.url())
        browser.choose(what="role=combobox[name='Status']", value="revoked")
        browser.wait(what="text=/^20 of 100,000 entries/")
        browser.choose(what="role=combobox[name='Order']", value="oldest")
        browser.eventually("document.querySelector('.history-open')?.textContent === 'qwen-portal:person-000102'")
        self.assert_clean("history-filtered")
        browser.reload()
        browser.wait(what="text=/^20 of 100,000 entries/")
        self.assertEqual(browser.value(what="role=searchbox[name='Search']"), "PERSON-0001")
        self.assertEqual(browser.value(what="role=combobox[name='Status']"), "revoked")
        browser.click(what="role=button[name='Clear filters']")
        browser.wait(what="text=/^100,000 entries/")
        self.assertNotIn("status", browser.url())
        browser.fill(what="role=searchbox[name='Search']", text="nothing is called so")
        browser.wait(what="role=heading[name='No entry matches']")
        self.assert_clean("history-no-match")

    def test_export(self):
        """what the filter shows is exported, as RFC 4180 and as the document's own format; names cannot become formulas"""
        self.enter_history(query="?status=revoked&text=person-00")
        browser = self.browser
        browser.wait(what="text=/^2,000 of 100,000 entries/")
        browser.click(what="role=button[name='Export']")
        file = browser.download(what="role=menuitem[name='2,000 entries as CSV']")
        rows = list(csv.DictReader(io.StringIO(file["text"])))
        self.assertTrue(file["name"].endswith(".csv"))
        self.assertEqual(len(rows), 2000)
        self.assertEqual({row["status"] for row in rows}, {"revoked"})
        self.assertEqual([rows[0]["usageCount"], rows[-1]["usageCount"]], ["9997", "2"])  # newest first, as shown
        self.assertEqual(len({row["tokenHash"] for row in rows}), 2000)
        browser.fill(what="role=searchbox[name='Search']", text="onerror")
        browser.choose(what="role=combobox[name='Status']", value="")
        browser.wait(what="text=/^1 of 100,000 entries/")
        browser.click(what="role=button[name='Export']")
        file = browser.download(what="role=menuitem[name='1 entry as JSON']")
        self.assertEqual([one["profileId"] for one in json.loads(file["text"])["discovered"]], [ODD])

    def test_keyboard(self):
        """by keyboard alone: from the filters into the list, an entry's details and back"""
        self.enter_history()
        browser = self.browser
        browser.focus(what="role=combobox[name='Order']")
        browser.press(key="Tab")
        self.assertEqual(browser.focused()["name"], "History entries")
        self.assertTrue(browser.focused()["ring"])
        browser.press(key="Tab")
        browser.press(key="Tab")
        self.assertTrue(browser.focused()["name"].endswith(": all details"))
        name = browser.focused()["name"].removesuffix(": all details")
        browser.press(key="Enter")
        browser.wait(what=f"role=dialog[name='{name}']")
        self.assertEqual(browser.axe(), [])
        browser.picture("history-details")
        browser.press(key="Escape")
        browser.eventually("!document.querySelector('dialog')")
        self.assertEqual(browser.focused()["name"].removesuffix(": all details"), name)

    def test_is_clean(self):
        """wide and narrow, light and dark"""
        for size, scheme in ((WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")):
            with self.subTest(width=size[0], scheme=scheme):
                self.enter_history(size=size, scheme=scheme)
                self.assert_clean(f"history-long-{size[0]}-{scheme}")


class SmallHistory(ControlTest):
    @classmethod
    def make_server(cls):
        return Server()

    def setUp(self):
        self.server.call("tokenDiscovery.scan")

    def total(self) -> int:
        return self.server.call("tokenDiscovery.getHistory")["total"]

    def test_is_live(self):
        """what a scan finds appears by itself, and nothing moves under the reader"""
        self.server.call("tokenDiscovery.clearHistory")
        self.enter("history")
        browser = self.browser
        browser.wait(what="role=heading[name='The history is empty']")
        self.assert_clean("history-empty")
        self.server.call("tokenDiscovery.scan")
        browser.wait(what=".history-open")
        browser.eventually(f"document.querySelector('.history-count').textContent.startsWith('{self.total()} entries')")

    def test_clearing_is_confirmed(self):
        """clearing wants a word typed; without it, and after Cancel or Escape, everything is still there"""
        self.enter("history")
        browser = self.browser
        browser.wait(what=".history-open")
        before = self.total()
        self.assertGreater(before, 3)
        for leave in ("cancel", "escape"):
            browser.click(what="role=button[name='Clear']")
            browser.wait(what="role=dialog[name='Clear the history?']")
            self.assertEqual(browser.focused()["tag"], "input")
            if leave == "cancel":
                self.assertEqual(browser.axe(), [])
                browser.picture("history-clear")
                browser.click(what=f"dialog >> role=button[name='Remove {before} entries']")
                browser.wait(what="text=Type the word clear")
                browser.type(text="yes")
                browser.press(key="Enter")
                browser.wait(what="text=Type the word clear")
                browser.click(what="dialog >> role=button[name='Cancel']")
            else:
                browser.press(key="Escape")
            browser.eventually("!document.querySelector('dialog')")
            self.assertEqual(self.total(), before)
        browser.click(what="role=button[name='Clear']")
        browser.type(text="clear")
        browser.press(key="Enter")
        browser.wait(what="role=heading[name='The history is empty']")
        self.assertEqual(self.total(), 0)

    def test_a_changed_file_is_told(self):
        """the page says when the history was changed by something else"""
        path = self.server.home / ".openclaw/cli-token-history.json"
        if not path.exists():
            path = self.server.state / "history.json"
        self.enter("history")
        browser = self.browser
        browser.wait(what="text=Unchanged since it was written")
        kept = path.read_text()
        document = json.loads(kept)
        document["discovered"][0]["usageCount"] = 4711
        path.write_text(json.dumps(document))
        try:
            browser.reload()
            browser.wait(what="text=Changed by somebody else")
            self.assert_clean("history-changed")
        finally:
            path.write_text(kept)

    def test_a_file_that_cannot_be_read(self):
        """an error says what is wrong, and trying again brings the list back"""
        path = self.server.home / ".openclaw/cli-token-history.json"
        if not path.exists():
            path = self.server.state / "history.json"
        kept = path.read_text()
        path.write_text("this is no history")
        try:
            self.enter("history")
            browser = self.browser
            browser.wait(what="role=alert >> role=button[name='Try again']")
            self.assert_clean("history-error")
        finally:
            path.write_text(kept)
        browser.click(what="role=button[name='Try again']")
        browser.wait(what=".history-open")


if __name__ == "__main__":
    unittest.main()
