# SPDX-License-Identifier: MIT
"""`credpool serve --open` in a home of its own, and its gateway by raw sockets."""
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from proxy_world import Serve
from refresh_world import program

NOWHERE = "http://127.0.0.1:9"


class Answer:
    def __init__(self, raw: bytes):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/1.1 ") else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()


class GatewayWorld:
    """`with GatewayWorld() as world:`; every request may come from an address of its own."""

    def __init__(self, *arguments: str, **serve):
        self.arguments, self.serve = arguments, serve
        self.peers = 0

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-gateway-"))
        try:
            self.server = Serve(NOWHERE, self.root, arguments=self.arguments, **self.serve)
        except BaseException:
            shutil.rmtree(self.root, ignore_errors=True)
            raise
        self.state = self.server.home / ".local/state/credpool"
        self.token = (self.state / "gateway.token").read_text().strip()
        self.host = f"127.0.0.1:{self.server.port}"
        return self

    def __exit__(self, *failure):
        if failure[0]:
            print(f"# the server said: {self.server.said()[-2000:]!r}", flush=True)
        self.server.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def restart(self, kill: bool = False, meanwhile=None) -> None:
        """Another server, with the same home and port."""
        port = self.server.port
        if kill:
            self.server.process.kill()
        self.server.close()
        if meanwhile:
            meanwhile()
        self.server = Serve(NOWHERE, self.root, arguments=self.arguments, listen=f"127.0.0.1:{port}", **self.serve)

    def new_peer(self) -> str:
        self.peers += 1
        return f"127.{1 + self.peers // 60000}.{self.peers // 250 % 250}.{1 + self.peers % 250}"

    def connect(self, peer: str | None = None, timeout: float = 20) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout, (peer or self.new_peer(), 0))

    def raw(self, request: bytes, peer: str | None = None, head_only: bool = False) -> Answer:
        with self.connect(peer) as one:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                one.sendall(request)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while part := one.recv(65536):
                    got += part
                    if head_only and b"\r\n\r\n" in got:
                        break
        return Answer(got)

    def ask(self, method: str, path: str, headers: dict | None = None, body: bytes = b"", peer: str | None = None,
            head_only: bool = False) -> Answer:
        lines = {"Host": self.host, "Connection": "close", **(headers or {})}
        if body:
            lines["Content-Length"] = str(len(body))
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return self.raw(f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode() + body, peer, head_only)

    def bearer(self, token: str | None = None) -> dict:
        return {"Authorization": f"Bearer {token or self.token}"}

    def rpc(self, method: str, credential: dict | None = None, peer: str | None = None, **params):
        """The answer of JSON-RPC: ("result" or "error", its value)."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        answer = self.ask("POST", "/rpc", {"Content-Type": "application/json", **(credential or self.bearer())}, body, peer)
        assert answer.status == 200, (method, answer.status, answer.body)
        document = json.loads(answer.body)
        return ("result", document["result"]) if "result" in document else ("error", document["error"])

    def result(self, method: str, **params):
        kind, value = self.rpc(method, **params)
        assert kind == "result", (method, value)
        return value

    def new_token(self, name: str, *scopes: str) -> str:
        return self.result("gateway.tokens.create", name=name, scopes=list(scopes))["token"]

    def code(self) -> str:
        return self.result("gateway.link")["url"].partition("#code=")[2]

    def enter(self, code: str, peer: str | None = None, **headers) -> Answer:
        return self.ask("POST", "/ui/session", {"Content-Type": "application/json", "Origin": f"http://{self.host}", **headers},
                        json.dumps({"code": code}).encode(), peer)

    def session(self) -> dict:
        """The headers of a browser session, its Origin too."""
        answer = self.enter(self.code())
        assert answer.status == 200, (answer.status, answer.body)
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0],
                "X-Credpool-Proof": json.loads(answer.body)["proof"], "Origin": f"http://{self.host}"}

    def command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run([*program(), *arguments], cwd=self.server.home, env={**self.server.environment, **variables},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class EventReader:
    """GET /events; events() yields (id, type, data) as they come."""

    def __init__(self, world: GatewayWorld, last: str | None = None, timeout: float = 20, receive_buffer: int = 0, **headers):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", world.server.port))
        lines = {"Host": world.host, **(headers or world.bearer()), **({"Last-Event-ID": last} if last else {})}
        self.socket.sendall(b"GET /events HTTP/1.1\r\n" + "".join(f"{a}: {b}\r\n" for a, b in lines.items()).encode() + b"\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def events(self):
        self.answer = http.client.HTTPResponse(self.socket)
        self.answer.begin()
        assert self.answer.status == 200, self.answer.status
        event, ends = {}, time.monotonic() + 60
        while line := self.answer.readline().decode():
            assert time.monotonic() < ends, "what was waited for never came"
            line = line.rstrip("\n")
            if not line and event:
                yield event.get("id"), event.get("event"), json.loads(event["data"])
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
