# SPDX-License-Identifier: MIT
"""A throw-away home, a fake provider, `credpool serve` between them, and nginx or HAProxy around it."""
import contextlib
import functools
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from refresh_world import PEERS, authority, program

# Canaries: no log line, error text or state file may hold them.
OPENAI_KEYS = ["sk-canary-openai-key-one-0001", "sk-canary-openai-key-two-0002"]
ANTHROPIC_KEY = "sk-ant-api03-canary-anthropic-0003"
PROMPT = "canary-prompt-please-say-hello"
MODELS = {"openai": ["gpt-fake", "gpt-fake-mini", "text-embedding-fake", "no-such-model"], "anthropic": ["claude-fake"]}


def need(*programs: str) -> None:
    for name in programs:
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") is None:
            raise unittest.SkipTest(f"{name} is not installed")


@functools.cache
def require_serve() -> None:
    """Skips where the command was built without its server."""
    done = subprocess.run([*program(), "serve", "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if "--key-file" not in done.stdout:  # without the command, --help is everybody's
        raise unittest.SkipTest("this credpool was built without `serve`")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen, log: pathlib.Path, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, f"it ended with {process.returncode}: {log.read_text(errors='replace')}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on {port}: {log.read_text(errors='replace')}")


def stop(process: subprocess.Popen, seconds: float = 10) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return -signal.SIGKILL


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """What /proc/PID/status says; VmHWM is the peak."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(f"{pid} has no {field}")


class FakeProvider:
    """fake_provider.mjs; `tls=True` adds its https address."""

    def __init__(self, tls: bool = False):
        need("node")
        command = ["node", PEERS / "fake_provider.mjs", *(["--tls", authority()] if tls else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the fake provider did not start"
        self.addresses = json.loads(line)
        self.url = self.addresses["http"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def ask(self, path: str, body: dict | None = None):
        address = urllib.parse.urlsplit(self.addresses["control"])
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {text[:200]!r}"
        return json.loads(text)

    def rules(self, **rules: dict) -> None:
        """Replaces the rules; `any_key` stands for "*"."""
        self.ask("/rules", {"*" if name == "any_key" else name: rule for name, rule in rules.items()})

    def rules_by_key(self, rules: dict) -> None:
        self.ask("/rules", rules)

    def reset(self) -> None:
        self.ask("/reset", {})

    def release(self) -> None:
        """Lets the requests go on that a rule "hold" holds."""
        self.ask("/release", {})

    def requests(self) -> list[dict]:
        """The model requests; looks at the list of models are not counted."""
        return [entry for entry in self.ask("/requests") if entry["method"] == "POST"]

    def wait(self, ready, seconds: float = 10):
        """The requests, once `ready` says so of them."""
        until = time.monotonic() + seconds
        while True:
            seen = self.requests()
            if ready(seen):
                return seen
            assert time.monotonic() < until, f"it did not come: {seen}"
            time.sleep(0.01)


class Nginx:
    """nginx in front of `upstream`, for tests: one worker, everything in `folder`."""

    def __init__(self, upstream: str, folder: pathlib.Path):
        need("nginx")
        folder.mkdir(parents=True)
        self.port = free_port()
        address = urllib.parse.urlsplit(upstream)
        trust = f"proxy_ssl_trusted_certificate {authority()}/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost;"
        (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; {"user root;" if os.geteuid() == 0 else ""} pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 64m;
  upstream next {{ server {address.netloc}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{self.port};
    location / {{
      proxy_pass {address.scheme}://next; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 60s; {trust if address.scheme == "https" else ""}
    }}
  }}
}}
""")
        self.log = folder / "error.log"
        self.log.touch()
        self.process = subprocess.Popen([nginx_program(), "-p", folder, "-c", folder / "nginx.conf"],
                                        stdin=subprocess.DEVNULL, stderr=open(folder / "stderr", "w"))
        wait_for_port(self.port, self.process, self.log)
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        stop(self.process)


def nginx_program() -> str:
    return shutil.which("nginx") or "/usr/sbin/nginx"


class Haproxy:
    def __init__(self, upstream: str, folder: pathlib.Path):
        need("haproxy")
        folder.mkdir(parents=True)
        self.port = free_port()
        (folder / "haproxy.cfg").write_text(f"""
global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  option abortonclose
frontend front
  bind 127.0.0.1:{self.port}
  default_backend next
backend next
  server next {urllib.parse.urlsplit(upstream).netloc}
""")
        self.log = folder / "stderr"
        self.process = subprocess.Popen([shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"],
                                        stdin=subprocess.DEVNULL, stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        wait_for_port(self.port, self.process, self.log)
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        stop(self.process)


class Serve:
    """`credpool serve --open`, or with accounts, in a home of its own; its base URLs lead to `upstream`."""

    def __init__(self, upstream: str, root: pathlib.Path, environment: dict | None = None, settings: dict | None = None,
                 listen: str = "127.0.0.1:0", unix: bool = False, home: pathlib.Path | None = None,
                 arguments: tuple = (), accounts: bool = False, log: str = "json"):
        require_serve()
        self.home = home or root / "home"
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self.home / ".config/credpool/config.json5"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(json.dumps({
            "baseUrls": {"openai": f"{upstream}/v1", "anthropic": upstream}, "models": MODELS,
            "validateTokens": False, "affinity": {"mode": "none"}, **(settings or {})}))
        keys = {"OPENAI_API_KEYS": ",".join(OPENAI_KEYS), "ANTHROPIC_API_KEY": ANTHROPIC_KEY}
        self.key_file = root / "static-key"
        self.socket = root / "serve.sock"
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "SSL_CERT_FILE": f"{authority()}/ca.pem",
                            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")},
                            **(keys if environment is None else environment)}
        self.out, self.err = root / "serve.out", root / "serve.err"
        if unix:
            listen = f"unix:{self.socket}"
        mode = () if accounts else ("--open", "--key-file", self.key_file)
        self.process = subprocess.Popen(
            [*program(), "serve", *mode, "--listen", listen, "--log", log, *arguments],
            cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL, stdout=open(self.out, "w"), stderr=open(self.err, "w"))
        self.url = None if unix else self.wait_until_listening()
        self.key = self.key_file.read_text().strip() if not unix and self.key_file.exists() else None

    def wait_until_listening(self, seconds: float = 20) -> str:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in self.out.read_text().splitlines():
                if line.startswith("listening on http"):
                    return line.split()[2].rstrip("/")
            assert self.process.poll() is None, f"serve ended with {self.process.returncode}: {self.said()}"
            time.sleep(0.02)
        stop(self.process)
        raise AssertionError(f"serve does not listen: {self.said()}")

    def said(self) -> str:
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def log_lines(self) -> list[dict]:
        """The access log: every line that is a JSON object with a status."""
        found = []
        for line in self.said().splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and "status" in entry:
                    found.append(entry)
        return found

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.url).port

    @property
    def pid(self) -> int:
        return self.process.pid

    def close(self) -> int:
        return stop(self.process)


class ProxyWorld:
    """`with ProxyWorld() as world:` a fake provider (world.fake) and the proxy before it (world.proxy).

    `chain` names who stands between the client and the provider, in order: "serve", "nginx", "haproxy";
    () is the provider alone. world.url is where a client goes, world.key what it says."""

    def __init__(self, chain: tuple = ("serve",), tls: bool = False, **serve):
        self.chain, self.tls, self.serve = chain, tls, serve

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="credpool-proxy-"))
        self.stack = contextlib.ExitStack()
        self.stack.callback(shutil.rmtree, self.root, ignore_errors=True)
        try:
            self.fake = FakeProvider(self.tls)
            self.stack.callback(self.fake.close)
            self.url, self.key = self.fake.addresses["https" if self.tls else "http"], OPENAI_KEYS[0]
            self.proxy = None
            for number, name in enumerate(reversed(self.chain)):
                folder = self.root / f"{number}-{name}"
                if name == "serve":
                    folder.mkdir()
                    self.proxy = link = Serve(self.url, folder, **self.serve)
                    self.key = link.key
                else:
                    link = {"nginx": Nginx, "haproxy": Haproxy}[name](self.url, folder)
                self.stack.callback(link.close)
                self.url = link.url
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *failure):
        if failure[0] and self.proxy:
            print(f"# the proxy said: {self.proxy.said()[-2000:]!r}", flush=True)
        self.stack.close()

    # ---- a client
    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=timeout)

    def headers(self, **more: str) -> dict:
        """The usual ones, and these; None leaves one out."""
        all_of_them = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json",
                       **{name.replace("_", "-"): value for name, value in more.items()}}
        return {name: value for name, value in all_of_them.items() if value is not None}

    def post(self, path: str = "/v1/chat/completions", body: dict | bytes | None = None, connection=None, **headers):
        """One request read to its end: (status, headers, body)."""
        one = connection or self.connect()
        text = body if isinstance(body, bytes) else json.dumps(body or chat())
        try:
            one.request("POST", path, text, self.headers(**headers))
            answer = one.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            if connection is None:
                one.close()


    def wait_until_served(self, path: str = "/v1/chat/completions", body: dict | None = None, seconds: float = 60) -> float:
        """Asks until it is served again: a host that failed rests a moment. How long that took, in s."""
        begin = time.monotonic()
        while (got := self.post(path, body))[0] != 200:
            assert got[0] in (429, 502, 503), got
            assert time.monotonic() - begin < seconds, f"it never came back: {got}"
            time.sleep(0.1)
        return time.monotonic() - begin


def chat(stream: bool = False, model: str = "gpt-fake", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **({"stream": True} if stream else {}), **more}


def messages(stream: bool = False, model: str = "claude-fake", **more) -> dict:
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}],
            **({"stream": True} if stream else {}), **more}


def say(text: str) -> None:
    """A figure for whoever reads the test's log; it is not asserted."""
    print(f"# {text}", flush=True)


class SideClient:
    """Asks again and again while something else happens; `with` it, then look at `latencies` (s) and `failures`."""

    def __init__(self, world: ProxyWorld, pause: float = 0.01):
        self.world, self.pause = world, pause
        self.latencies: list[float] = []
        self.failures: list[str] = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        connection = self.world.connect(timeout=10)
        while not self.done.is_set():
            begin = time.monotonic()
            try:
                status, _, _ = self.world.post(connection=connection)
                if status != 200:
                    self.failures.append(str(status))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.latencies.append(time.monotonic() - begin)
            self.done.wait(self.pause)
        connection.close()

    def percentile(self, part: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
