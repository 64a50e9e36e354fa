# SPDX-License-Identifier: MIT
"""`credpool serve` in a throw-away home, and a browser that is signed in to its Control UI."""
import atexit
import contextlib
import functools
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from proxy_world import free_port, stop, wait_for_port  # noqa: E402
from refresh_world import modules, program  # noqa: E402

WIDE, NARROW = (1440, 900), (360, 740)
PAGES = {"discovery": "Token Discovery", "rotation": "Rotation", "history": "History", "usage": "Usage and budgets",
         "settings": "Settings"}


def pictures() -> pathlib.Path:
    """Where screenshots are kept for people to look at."""
    folder = pathlib.Path(os.environ.get("CREDPOOL_SCREENSHOTS") or tempfile.gettempdir()) / "control-ui"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Browser:
    """driver.mjs; its commands are the methods: browser.click(what="role=button[name='Scan']")."""

    def __init__(self):
        place = next((path for path in map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")) if path), None)
        if place is None:
            raise unittest.SkipTest("no Chromium is installed")
        self.process = subprocess.Popen(["node", HERE / "driver.mjs", "--modules", modules(), "--browser", place],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "the browser's driver ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["ok"]

    def __getattr__(self, name: str):
        def run(**given):
            self.process.stdin.write(json.dumps({"do": name, **given}) + "\n")
            self.process.stdin.flush()
            return self.answer()
        return run

    def eventually(self, expression: str, **more) -> None:
        """Waits until a JavaScript expression is true."""
        self.until(expression=expression, **more)

    def picture(self, name: str, **more) -> None:
        self.screenshot(path=str(pictures() / f"{name}.png"), **more)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


@functools.cache
def the_browser() -> Browser:
    """One for the whole process; each test has a fresh profile in it."""
    browser = Browser()
    atexit.register(browser.close)
    return browser


class Server:
    """`credpool serve --open` with its home; `home` is kept when it is given."""

    def __init__(self, demo: bool = True, prepare=None, environment: dict | None = None, home: pathlib.Path | None = None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-ui-"))
        self.home = home or self.root / "home"
        self.more = environment or {}
        self.process = None
        if home is None:
            if demo:
                self.run("demo", "--home", str(self.home))
            else:
                self.home.mkdir(mode=0o700)
        if prepare:
            prepare(self.home)
        self.port = free_port()
        self.start()

    def environment(self) -> dict:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "dumb", "NO_PROXY": "127.0.0.1,localhost", **self.more}

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*program(), *arguments], env=self.environment(), cwd=self.root, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        pages = os.environ.get("CREDPOOL_UI_DIRECTORY")  # for work on the pages without a build
        with open(self.root / "serve.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*program(), "serve", "--open", "--listen", f"127.0.0.1:{self.port}", *(["--ui-directory", pages] if pages else [])],
                env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_port(self.port, self.process, self.root / "serve.log")

    def stop(self) -> None:
        stop(self.process)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> pathlib.Path:
        return self.home / ".local/state/credpool"

    def call(self, method: str, **params):
        """A call with the main token, as `credpool rpc` makes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", "/rpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                               {"content-type": "application/json",
                                "authorization": "Bearer " + (self.state / "gateway.token").read_text().strip()})
            answer = json.loads(connection.getresponse().read())
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def link(self) -> str:
        return self.call("gateway.link")["url"]


class ControlTest(unittest.TestCase):
    """One server for all tests of a class; each test has a fresh profile of the one browser."""

    @classmethod
    def make_server(cls) -> Server:
        return Server()

    @classmethod
    def setUpClass(cls):
        cls.browser = the_browser()
        cls.server = cls.make_server()
        cls.addClassCleanup(cls.server.close)

    def enter(self, page: str = "discovery", size: tuple[int, int] = WIDE, scheme: str = "light", query: str = "") -> None:
        """Signs in by a one-time link and goes to a page."""
        self.browser.fresh(width=size[0], height=size[1], scheme=scheme)
        self.browser.goto(url=self.server.link())
        self.browser.wait(what="nav a")
        self.to(page, query)

    def to(self, page: str, query: str = "") -> None:
        address = f"#/{page}{query}"
        self.browser.evaluate(expression=f"void (performance.clearMarks('page-ready'), location.hash === '{address}'"
                                         f" ? dispatchEvent(new HashChangeEvent('hashchange')) : location.hash = '{address}')")
        self.browser.wait(what=f"role=heading[name='{PAGES[page]}'][level=1]")
        self.browser.eventually(f"performance.getEntriesByName('page-ready').some((one) => one.detail.startsWith('#/{page}'))")

    def assert_clean(self, name: str, **more) -> None:
        """No error in the console, nothing refused by the policy, nothing that axe finds, nothing wider than the window;
        leaves a picture."""
        self.browser.picture(name, **more)
        self.assertEqual(self.browser.problems(), [])
        self.assertEqual(self.browser.axe(), [])
        self.assertLessEqual(self.browser.wider(), 0)

    def eventually(self, ask, wanted, seconds: float = 10) -> None:
        until = time.monotonic() + seconds
        while (got := ask()) != wanted and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(got, wanted)
