# SPDX-License-Identifier: MIT
"""The Control UI's frame: signing in, the way between the pages, the connection, what a first visit costs."""
import json
import unittest

from control_world import NARROW, PAGES, WIDE, ControlTest

FIRST_LOAD = 150 * 1024  # bytes, as they cross the wire


class Shell(ControlTest):
    def test_a_link_signs_in_once(self):
        """a one-time link signs in once; its code is gone from the address at once"""
        browser, link = self.browser, self.server.link()
        browser.fresh()
        browser.goto(url=link)
        browser.wait(what="nav a")
        self.assertNotIn("code", browser.url())
        browser.reload()
        browser.wait(what="nav a")
        browser.fresh()
        browser.goto(url=link)
        browser.wait(what="text=This link does not work")
        self.assertIn("credpool ui", browser.text(what="main"))
        browser.picture("shell-used-link")
        self.assertEqual(browser.axe(), [])

    def test_without_a_session(self):
        """without a session the page says how to get one, and a link opened in the same tab signs in"""
        browser = self.browser
        browser.fresh()
        browser.goto(url=f"{self.server.address}/ui/")
        browser.wait(what="text=Sign in to credpool")
        self.assertEqual(browser.axe(), [])
        browser.picture("shell-signed-out")
        browser.goto(url=self.server.link())
        browser.wait(what="nav a")
        self.assertEqual(browser.problems(), [])

    def test_the_cookie_alone_opens_nothing(self):
        """who has the cookie but not the proof of this port is signed out; scripts cannot read the cookie"""
        self.enter()
        browser = self.browser
        self.assertNotIn("credpool_session", browser.evaluate(expression="document.cookie"))
        browser.evaluate(expression="localStorage.clear()")
        browser.reload()
        browser.wait(what="text=Sign in to credpool")
        status = browser.evaluate(expression="fetch('/rpc', {method: 'POST', headers: {'content-type': 'application/json'}, "
                                             "body: '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"health\"}'}).then((one) => one.status)")
        self.assertEqual(status, 401)

    def test_signing_out(self):
        """signing out asks first, and ends the session at the server too"""
        self.enter()
        browser = self.browser
        kept = browser.evaluate(expression="localStorage.getItem('credpool.session')")
        browser.click(what="role=button[name='Sign out']")
        browser.wait(what="role=dialog[name='Sign out?']")
        self.assertEqual(browser.axe(), [])
        browser.click(what="dialog >> role=button[name='Cancel']")
        self.assertEqual(browser.focused()["name"], "Sign out")
        browser.reload()
        browser.wait(what="header >> text=Live")
        browser.click(what="role=button[name='Sign out']")
        browser.click(what="dialog >> role=button[name='Sign out']")
        browser.wait(what="text=Sign in to credpool")
        browser.evaluate(expression=f"localStorage.setItem('credpool.session', {json.dumps(kept)})")
        browser.reload()
        browser.wait(what="text=Sign in to credpool")

    def test_no_text_becomes_markup(self):
        """no text becomes markup, whatever writes it: the browser refuses, and no policy of ours would allow it"""
        self.enter()
        tried = "(() => { try { document.createElement('div').innerHTML = '<b>x</b>'; return 'taken'; } catch { return 'refused'; } })()"
        self.assertEqual(self.browser.evaluate(expression=tried), "refused")
        made = "(() => { try { trustedTypes.createPolicy('any', {createHTML: (text) => text}); return 'made'; } catch { return 'refused'; } })()"
        self.assertEqual(self.browser.evaluate(expression=made), "refused")

    def test_every_page_is_clean(self):
        """each page, wide and narrow, light and dark: no console error, nothing refused, nothing axe finds, nothing too wide"""
        for size, scheme in ((WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")):
            self.enter(size=size, scheme=scheme)
            for page in PAGES:
                with self.subTest(page=page, width=size[0], scheme=scheme):
                    self.to(page)
                    self.assert_clean(f"{page}-{size[0]}-{scheme}")

    def test_first_load(self):
        """the first page is at most 150 KB on the wire, and nothing comes from elsewhere"""
        browser = self.browser
        browser.fresh()
        browser.goto(url=self.server.link())
        browser.wait(what="nav a")
        browser.eventually("performance.getEntriesByName('page-ready').length > 0")
        loaded = browser.transfers()
        pages = [one for one in loaded if "/ui/" in one["url"]]
        size = sum(one["bytes"] for one in pages)
        ready = browser.evaluate(expression="performance.getEntriesByName('page-ready')[0].startTime")
        print(f"# first load: {size} bytes of pages in {len(pages)} answers, ready after {ready:.0f} ms; data: "
              f"{sum(one['bytes'] for one in loaded) - size} bytes")
        self.assertGreater(size, 10_000)
        self.assertLessEqual(size, FIRST_LOAD)
        self.assertEqual([one["url"] for one in loaded if one["url"] and not one["url"].startswith(self.server.address)], [])

    def test_keyboard(self):
        """by keyboard alone: skip link, pages, focus on the new page's heading, a menu and back"""
        self.enter()
        browser = self.browser
        browser.reload()
        browser.wait(what="nav a")
        browser.press(key="Tab")
        self.assertEqual(browser.focused()["name"], "Skip to the page")
        browser.picture("shell-skip-link")
        browser.press(key="Enter")
        self.assertEqual(browser.focused()["tag"], "main")
        browser.focus(what="nav a >> nth=0")
        for _ in range(len(PAGES) - 1):
            browser.press(key="Tab")
            self.assertTrue(browser.focused()["ring"], "no focus ring")
        self.assertEqual(browser.focused()["name"], "Settings")
        browser.press(key="Enter")
        browser.eventually("document.activeElement.tagName === 'H1' && document.activeElement.textContent === 'Settings'")
        self.assertEqual(browser.attribute(what="nav a >> nth=4", name="aria-current"), "page")
        browser.focus(what="role=button[name='Theme']")
        browser.press(key="Enter")
        browser.press(key="ArrowDown")
        self.assertEqual(browser.focused()["name"], "Light")
        browser.press(key="Escape")
        self.assertEqual(browser.focused()["name"], "Theme")

    def test_theme(self):
        """the theme is remembered, and there before the first paint"""
        self.enter()
        browser = self.browser
        browser.click(what="role=button[name='Theme']")
        browser.click(what="role=menuitem[name='Dark']")
        dark = browser.evaluate(expression="getComputedStyle(document.body).backgroundColor")
        browser.reload()
        self.assertEqual(browser.evaluate(expression="document.documentElement.dataset.theme"), "dark")
        self.assertEqual(browser.evaluate(expression="getComputedStyle(document.body).backgroundColor"), dark)

    def test_the_server_goes_and_comes(self):
        """the page says that the server is gone and when it tries again, is live again by itself, and nothing moves"""
        self.enter()
        browser = self.browser
        browser.block(pattern="**/events")
        browser.reload()
        browser.wait(what="text=/The server is gone. Trying again/")
        self.assertIn("Disconnected", browser.text(what="header"))
        before = browser.shift()
        browser.unblock(pattern="**/events")
        browser.wait(what="header >> text=Live")
        self.assertFalse(browser.visible(what=".banner"))
        self.assertLess(browser.shift() - before, 0.02)

    def test_the_server_is_started_again(self):
        """a server that was started again knows the session: the page is live again; one that does not says how to come back"""
        self.enter()
        browser = self.browser
        browser.wait(what="header >> text=Live")
        self.server.stop()
        try:
            browser.wait(what="text=/The server is gone. Trying again/")
            browser.picture("shell-server-gone")
            self.assertEqual(browser.axe(), [])
            self.assertIn("Disconnected", browser.text(what="header"))
            browser.click(what="role=button[name='Try now']")
        finally:
            self.server.start()
        browser.wait(what="header >> text=Live")
        browser.reload()
        browser.wait(what="header >> text=Live")
        self.server.stop()
        (self.server.state / "gateway-sessions.json").unlink()
        try:
            browser.wait(what="text=/The server is gone. Trying again/")
        finally:
            self.server.start()
        browser.wait(what="text=Sign in to credpool")


if __name__ == "__main__":
    unittest.main()
