# SPDX-License-Identifier: MIT
"""A PostgreSQL server of the tests' own: a throw-away directory, a free loopback port."""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def find_program(name: str) -> str:
    for place in [*sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), *os.environ["PATH"].split(":")]:
        path = pathlib.Path(place) / name
        if os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError(f"{name} is not installed: apt-get install postgresql")


class PostgresServer:
    """`with PostgresServer() as server:`; server.address is a connection string without a password."""

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-postgres-"))
        self.data = self.root / "data"
        # The server refuses to run as root: then it runs as somebody who can do nothing else.
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.root, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8", "--locale=C",
                 "--pgdata", str(self.data))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"postgresql://tester@127.0.0.1:{self.port}/postgres"
        self.start()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def as_user(self) -> dict:
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def run(self, name: str, *arguments: str) -> None:
        done = subprocess.run([find_program(name), *arguments], cwd=self.root, capture_output=True, text=True,
                              check=False, **self.as_user())
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"

    def start(self) -> None:
        asked = [find_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.spawn()
        for _ in range(600):
            if subprocess.run(asked, check=False).returncode == 0:
                return
            if self.process.poll() is not None:  # the children of one that was killed still hold its shared memory
                self.spawn()
            time.sleep(0.05)
        raise AssertionError((self.root / "log").read_text(encoding="utf-8"))

    def spawn(self) -> None:
        self.process = subprocess.Popen(
            [find_program("postgres"), "-D", str(self.data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", "-c", "max_connections=200"],
            cwd=self.root, stdout=subprocess.DEVNULL, stderr=open(self.root / "log", "ab"), **self.as_user())

    def crash(self) -> None:
        """Kills the whole server, and starts it again."""
        self.process.kill()
        self.process.wait()
        self.start()
