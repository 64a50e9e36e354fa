# SPDX-License-Identifier: MIT
"""A throw-away demo home and the credpool program run in it."""
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time

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
        leader, follower = pty.openpty()
        import fcntl
        import struct
        import termios
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

        def own_session():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([PROGRAM, *arguments], env=self.environment(**variables),
                                   cwd=self.home, stdin=follower, stdout=follower, stderr=follower,
                                   preexec_fn=own_session)
        os.close(follower)
        shown = b""
        lines = typed.splitlines(keepends=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ready, _, _ = select.select([leader], [], [], 0.2)
            if ready:
                try:
                    data = os.read(leader, 65536)
                except OSError:  # the other end is closed: the program ended
                    break
                if not data:
                    break
                shown += data
                if lines and shown.rstrip().endswith((b":", b"(y/N)")):
                    time.sleep(0.1)  # the prompt is shown just before the input is read
                    os.write(leader, lines.pop(0).encode())
            elif process.poll() is not None:
                break
        os.close(leader)
        return process.wait(timeout=10), shown.decode(errors="replace")
