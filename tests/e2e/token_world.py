# SPDX-License-Identifier: MIT
"""A throw-away home in which openclaw-token is run, and a server for it: the accounts' interface in a program of its
own, behind a front that keeps what was asked and can lose, refuse or replace answers."""
import contextlib
import dataclasses
import http.client
import http.server
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import threading

from pseudo_terminal import PseudoTerminal

PROGRAM = os.environ["OPENCLAW_TOKEN_PROGRAM"]
EMAIL, PASSWORD = "ann@example.com", "Secret123"
ROOT_LENGTH = 80
DEMO_KEY = "sk-mgmt-de000000-0000-0000-0000-000000000000"


class TokenWorld:
    """`with TokenWorld() as world:` an empty home."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="openclaw-token-"))
        # Of the same length wherever that is: tables are as wide as the paths in them.
        self.root = self.folder / "of-this-length".ljust(ROOT_LENGTH - len(str(self.folder)) - 1, "-")
        self.root.mkdir(mode=0o700)
        self.home = self.root / "home"
        self.home.mkdir(mode=0o700)
        self.directory = self.home / ".openclaw-token"
        self.variables = {}
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, **more: str) -> dict:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "TZ": "UTC",
                "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", ""), **self.variables, **more}

    def run(self, *arguments, code=0, stdin=None, timeout=60, **variables) -> subprocess.CompletedProcess:
        done = subprocess.run([PROGRAM, *map(str, arguments)], env=self.environment(**variables), cwd=self.home, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                              timeout=timeout, start_new_session=True)
        if code is not None:
            assert done.returncode == code, f"{arguments}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments, code=0, **more):
        """What it prints with --json: one document, and nothing else on standard output."""
        return json.loads(self.run("--json", *arguments, code=code, **more).stdout)

    def mock(self, *arguments, code=0, **more):
        return self.json("--mock", *arguments, code=code, **more)

    def log(self, mock=False) -> list:
        file = self.directory / ("mock/audit.log" if mock else "audit.log")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def config(self, profile="default") -> dict:
        return json.loads((self.directory / "profiles" / profile / "config.json").read_text())

    def put_config(self, profile="default", **values) -> pathlib.Path:
        """A profile as the first program of this name writes it."""
        file = self.directory / "profiles" / profile / "config.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"management_key": "sk-mgmt-11111111-1111-4111-8111-111111111111", "api_base": "https://proxy.invalid/v1",
                 "email": EMAIL, "created_at": "2026-01-01T00:00:00.000Z", "last_login": "2026-01-01T00:00:00.000Z", **values}
        file.write_text(json.dumps(whole, indent=2))
        file.chmod(0o600)
        return file

    def files(self) -> dict:
        """Every file of the home outside the mock's folder: what it holds and its mode."""
        return {str(path.relative_to(self.home)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
                for path in self.home.rglob("*") if path.is_file() and self.directory / "mock" not in path.parents}


class Screen(PseudoTerminal):
    """openclaw-token in a pseudo terminal."""

    def __init__(self, world, *arguments, columns=100, **variables):
        super().__init__([PROGRAM, *arguments], world.home, world.environment(**variables), columns)


@dataclasses.dataclass
class Asked:
    method: str
    path: str
    headers: dict
    body: str


class Front(http.server.ThreadingHTTPServer):
    """Hands requests on to the account server and keeps them. `faults` is asked first: a function of a request and how many
    of its method and path came before. It may return "lose" (the request is done, its answer is dropped), "cut" (neither),
    or (status, headers, body) as the answer; None hands it on."""
    daemon_threads = True

    def __init__(self, upstream: str):
        super().__init__(("127.0.0.1", 0), FrontHandler)
        self.upstream, self.asked, self.faults = upstream, [], lambda asked, before: None
        self.turn = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, method: str, path: str) -> list:
        return [asked for asked in self.asked if asked.method == method and asked.path.split("?")[0] == path]


class FrontHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status: int, headers, body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "keep-alive"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body.decode())
        front = self.server
        with front.turn:
            before = len(front.of(asked.method, asked.path.split("?")[0]))
            front.asked.append(asked)
        fault = front.faults(asked, before)
        if fault == "cut":
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            status, headers, text = fault
            self.answer(status, list(headers.items()), text.encode())
            return
        upstream = http.client.HTTPConnection(front.upstream.removeprefix("http://"), timeout=20)
        upstream.request(self.command, self.path, body or None, dict(self.headers))
        with contextlib.closing(upstream.getresponse()) as answer:
            data = answer.read()
            if fault == "lose":
                self.close_connection = True
                return
            self.answer(answer.status, answer.getheaders(), data)
        upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


class ServedWorld(TokenWorld):
    """The same with a server; `suffix` is what stands behind its address in the API base."""

    def __init__(self, suffix: str = ""):
        self.suffix = suffix

    def __enter__(self):
        super().__enter__()
        self.server = subprocess.Popen([os.environ["ACCOUNT_SERVER_PROGRAM"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.front = Front(self.server.stdout.readline().strip())
        self.thread = threading.Thread(target=self.front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        self.base = self.front.address + self.suffix
        self.variables["OPENCLAW_TOKEN_API_BASE"] = self.base
        return self

    def __exit__(self, *_):
        self.front.shutdown()
        self.front.server_close()
        self.server.stdin.close()
        self.server.wait(timeout=10)
        self.server.stdout.close()
        super().__exit__()

    def register(self, email=EMAIL, password=PASSWORD, **more) -> dict:
        return self.json("auth", "register", "--email", email, "--password-stdin", stdin=password + "\n", **more)
