# SPDX-License-Identifier: MIT
"""A throw-away demo home and the credpool program run in it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from pseudo_terminal import PseudoTerminal

PROGRAM = os.environ["CREDPOOL_PROGRAM"]


class World:
    """`with World() as world:` an empty home; `World(demo=True)` one with made-up logins;
    `World(demo=True, provider=True)` with the local provider running too."""

    def __init__(self, demo: bool = False, provider: bool = False):
        self.demo, self.provider = demo, provider
        self.server = None

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-e2e-"))
        self.home = self.root / "home"
        if self.provider:
            self.server = subprocess.Popen(
                [PROGRAM, "demo", "--home", str(self.home), "--serve"], env=self.environment(),
                stdout=subprocess.PIPE, text=True)
            line = self.server.stdout.readline()
            assert "http://127.0.0.1:" in line, line
        elif self.demo:
            done = self.run("demo", "--home", str(self.home), check=True)
            assert self.home.is_dir(), done.stdout
        else:
            self.home.mkdir(mode=0o700)
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.terminate()
            self.server.wait(timeout=10)
            self.server.stdout.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, **more: str) -> dict:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "xterm-256color",
                "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", ""), **more}

    def run(self, *arguments: str, check: bool = False, stdin: str | None = None,
            **variables: str) -> subprocess.CompletedProcess:
        done = subprocess.run([PROGRAM, *arguments], env=self.environment(**variables),
                              cwd=self.home if self.home.is_dir() else self.root, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=60)
        if check:
            assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0, **variables: str):
        done = self.run("--json", *arguments, **variables)
        assert done.returncode == code, f"{arguments}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def in_terminal(self, *arguments: str, typed: str = "", columns: int = 100,
                    **variables: str) -> tuple[int, str]:
        """Runs in a pseudo terminal; types each line of `typed` when the program asks."""
        screen = PseudoTerminal([PROGRAM, *arguments], self.home, self.environment(**variables), columns, rows=40)
        lines = typed.splitlines(keepends=True)
        answered = 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and screen.read(0.2):
            if lines and len(screen.shown) > answered and screen.shown.rstrip().endswith((":", "(y/N)")):
                answered = len(screen.shown)
                screen.type(lines.pop(0))
            elif screen.process.poll() is not None and not screen.read(0):
                break
        return screen.end(), screen.shown
