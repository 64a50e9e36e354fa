# SPDX-License-Identifier: MIT
"""The methods of RPC: by `credpool rpc --stdio`, and by `credpool rpc` to a running `credpool serve`."""
import contextlib
import http.client
import json
import pathlib
import subprocess
import time
import urllib.parse

from demo_world import PROGRAM, World


class Refused(Exception):
    """An error of JSON-RPC."""

    def __init__(self, error: dict):
        super().__init__(f"{error['code']} {error['data']}")
        self.code, self.data = error["code"], error["data"]


class Stdio:
    """`credpool rpc --stdio` in a world."""

    def __init__(self, world: World, **variables: str):
        self.process = subprocess.Popen([PROGRAM, "rpc", "--stdio"], env=world.environment(**variables),
                                        cwd=world.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it wrote on standard error."""
        if self.process.stdin.closed:
            return self.process.returncode, ""
        self.process.stdin.close()
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(timeout=30), errors

    def raw(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def call(self, method: str, **params):
        self.number += 1
        answer = json.loads(self.raw(json.dumps(
            {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})))
        assert answer["id"] == self.number, answer
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


class Serve:
    """`credpool serve` in a world, with what `credpool rpc` needs to find it."""

    def __init__(self, world: World, *options: str):
        self.world = world
        self.state = pathlib.Path(world.home) / ".local/state/credpool"
        self.errors = open(world.root / "serve.log", "w+")
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--log", "off", *options],
                                        env=world.environment(), cwd=world.home, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.errors, text=True)
        until = time.monotonic() + 60
        while not (self.state / "gateway.json").exists():
            assert self.process.poll() is None and time.monotonic() < until, self.log()
            time.sleep(0.02)
        self.place = json.loads((self.state / "gateway.json").read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.log()
        self.errors.close()

    def log(self) -> str:
        self.errors.flush()
        return (self.world.root / "serve.log").read_text()

    def call(self, method: str, *options: str, code: int = 0, **params):
        """By the command; its JSON."""
        done = self.world.run("--json", "rpc", method, "--params", json.dumps(params), *options)
        assert done.returncode == code, f"{method}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.place["url"]).netloc, timeout=timeout)

    def headers(self) -> dict:
        return {"authorization": "Bearer " + (self.state / "gateway.token").read_text().strip(),
                "content-type": "application/json"}

    def post(self, method: str, **params):
        """By HTTP; its result."""
        with contextlib.closing(self.connect()) as connection:
            connection.request("POST", "/rpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                               self.headers())
            answer = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def events(self) -> "Events":
        return Events(self)


class Events:
    """The events of a server, from now on."""

    def __init__(self, serve: Serve):
        self.connection = serve.connect()
        self.connection.request("GET", "/events", headers=serve.headers())
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def wait_for(self, wanted: str) -> dict:
        """The data of the next event of that type; others are passed over."""
        seen, kind = [], ""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            name, _, value = self.answer.readline().decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == wanted:
                return json.loads(value)
            elif name == "data":
                seen.append(kind)
        raise AssertionError(f"no {wanted}; there were {seen}")
