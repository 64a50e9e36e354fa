#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`credpool serve` beside no proxy, nginx and Portkey, round by round in one run.

Usage: proxy_bench.py BUILD_DIR [--quick] [--rounds N] [--seconds S] [--only json|tls|streams|idle|management] [--cells 64x512,512x16384]
                      [--targets direct,nginx,nginx-unbuffered,credpool,accounts,accounts-postgres,portkey] [--out FILE]

The proxy runs on one core, load and upstream on the other. Read the ratios within a table; figures of
two runs, or of two machines, say little: one round of two programs that are alike gives 0.9 or 1.1. From
six rounds on it is told between which ratios the true one lies (19 times of 20): of 24 rounds a tenth apart, of p99
up to a third. CPU is user and system time of the proxy and its children;
memory is their proportional set size at its highest (shared pages counted once).
"""
import argparse
import contextlib
import http.client
import json
import math
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = (1, 64, 512)
BODIES = (512, 16 * 1024, 256 * 1024)
STREAMS = (64, 1000, 4000)
NAMES = ("direct", "nginx", "nginx-unbuffered", "credpool", "accounts", "accounts-postgres", "portkey")

ANSWER = json.dumps({"id": "chatcmpl-fixed", "object": "chat.completion", "created": 1700000000, "model": "gpt-fake", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Hello from the fixed upstream"}, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}}, separators=(",", ":"))

DONE = """
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\nRESULT {"requests":%%d,"seconds":%%.3f,"p50_ms":%%.4f,"p99_ms":%%.4f,"errors":%%d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
WRK = """
wrk.method = "POST"
wrk.body = %s
%s
""" + DONE
# Whose call it is, and from which address, changes with each.
MANAGEMENT = """
local keys, round, count = {%s}, %d, 0
function request()
  count = count + 1
  local method, path = "%s", "%s"
  local headers = {["Authorization"] = "Bearer " .. keys[count %% #keys + 1],
    ["X-Forwarded-For"] = string.format("10.%%d.%%d.%%d", 10 + round, math.floor(count / 250) %% 250, count %% 250)}
  local body = method == "POST" and string.format('{"name":"bench-%%d-%%d"}', round, count) or nil
  return wrk.format(method, path, headers, body)
end
""" + DONE


def cores() -> tuple[list[str], list[str]]:
    """taskset for the proxy, and for everything else; none where there is one core only."""
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 2 or shutil.which("taskset") is None:
        return [], []
    return ["taskset", "-c", str(have[0])], ["taskset", "-c", ",".join(map(str, have[1:]))]


PROXY_CORE, OTHER_CORES = cores()


def leave_the_proxys_core() -> None:
    """This process too is load."""
    if OTHER_CORES:
        os.sched_setaffinity(0, {int(core) for core in OTHER_CORES[2].split(",")})


def interval(values: list[float]) -> tuple[float, float] | None:
    """Where the median lies of what these are samples of, wrong once in twenty times at most: from the k-th
    smallest to the k-th largest of them. None for fewer than six, which cannot tell."""
    ordered, count, below, k = sorted(values), len(values), 0.0, 0
    while (below := below + math.comb(count, k) / 2**count) <= 0.025:
        k += 1
    return (ordered[k - 1], ordered[-k]) if k else None


def family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{each}/task"):
                found += [int(child) for child in pathlib.Path(f"/proc/{each}/task/{task}/children").read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def seconds_run(pid: int) -> float:
    """As cpu_seconds(), to the nanosecond instead of the tick of 10 ms, but only of threads that still live."""
    return sum(int((task / "schedstat").read_text().split()[0]) for each in family(pid)
               for task in pathlib.Path(f"/proc/{each}/task").iterdir()) / 1e9


def memory_mib(pid: int) -> float:
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def resident_mib(pid: int) -> float:
    """Shared pages counted each time. Read from counters: memory_mib() walks through all pages, which
    holds up who waits for an answer, the longer the larger the process is."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            total += int(pathlib.Path(f"/proc/{each}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


class Peak:
    """The highest memory of a process while the block runs: what it has behind it, and how much more was resident before."""

    def __init__(self, pid: int | None):
        self.pid, self.mib, self.resident, self.done = pid, 0.0, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.done.wait(0.1):
            self.resident = max(self.resident, resident_mib(self.pid))

    def __enter__(self):
        if self.pid:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        if self.pid:
            self.thread.join()
            self.mib = memory_mib(self.pid) + max(0.0, self.resident - resident_mib(self.pid))


class Target:
    """Where the load goes: the upstream itself or a proxy before it."""

    def __init__(self, name: str, url: str, headers: dict, process: subprocess.Popen | None = None):
        self.name, self.url, self.headers, self.process = name, url, headers, process
        self.pid = process.pid if process else None
        time.sleep(0.5 if process else 0)
        self.idle_mib = memory_mib(self.pid) if self.pid else 0.0

    def cpu(self) -> float:
        return cpu_seconds(self.pid) if self.pid else 0.0


class Bench:
    def __init__(self, arguments: argparse.Namespace, stack: contextlib.ExitStack):
        from proxy_world import authority, nginx_program, stop  # needs CREDPOOL_PROGRAM
        self.arguments, self.stack, self.stop = arguments, stack, stop
        self.ca, self.nginx = authority(), nginx_program()
        self.root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="credpool-bench-")))
        self.load = arguments.build / "tests/bench/stream-load"
        self.results: dict[str, dict] = {}
        self.missing: list[str] = []
        self.places = 0
        self.postgres: str | None = None

    def place(self, name: str) -> pathlib.Path:
        """A new folder."""
        self.places += 1
        folder = self.root / f"{name}-{self.places}"
        folder.mkdir()
        return folder

    def start(self, command: list, name: str, **more) -> subprocess.Popen:
        log = open(self.root / f"{name}.log", "w")  # noqa: SIM115  (the process owns it)
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   **{"stdout": log, "stderr": log, **more})
        self.stack.callback(self.stop, process)
        return process

    # ---- upstreams
    def json_upstream(self) -> tuple[str, str]:
        """nginx with a fixed answer: (http URL, https URL)."""
        from proxy_world import free_port, wait_for_port
        folder = self.root / "upstream"
        folder.mkdir()
        plain, sealed = free_port(), free_port()
        (folder / "nginx.conf").write_text(self.nginx_frame(folder, f"""
  keepalive_requests 100000000; ssl_certificate {self.ca}/leaf.pem; ssl_certificate_key {self.ca}/leaf.key;
  server {{
    listen 127.0.0.1:{plain} backlog=8192; listen 127.0.0.1:{sealed} ssl backlog=8192;
    location / {{ default_type application/json; return 200 '{ANSWER}'; }}
  }}"""))
        process = self.start([*OTHER_CORES, self.nginx, "-p", folder, "-c", folder / "nginx.conf"], "json-upstream")
        wait_for_port(plain, process, self.root / "json-upstream.log")
        return f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{sealed}"

    def stream_upstream(self) -> str:
        process = self.start([*OTHER_CORES, self.load, "upstream"], "stream-upstream", stdout=subprocess.PIPE, text=True)
        return f"http://127.0.0.1:{process.stdout.readline().strip()}"

    def nginx_frame(self, folder: pathlib.Path, servers: str) -> str:
        return f"""
daemon off; worker_processes 1; {"user root;" if os.geteuid() == 0 else ""} pid {folder}/pid; error_log {folder}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 64m; client_body_buffer_size 512k; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {servers}
}}
"""

    # ---- targets
    def targets(self, upstream: str, kind: str) -> list[Target]:
        makers = {"direct": lambda: Target("direct", upstream, {}), "nginx": lambda: self.nginx_target(upstream, kind, "on"),
                  "nginx-unbuffered": lambda: self.nginx_target(upstream, kind, "off"),
                  "credpool": lambda: self.credpool_target(upstream, kind),
                  "accounts": lambda: self.accounts_target(upstream, kind, None),
                  "accounts-postgres": lambda: self.accounts_target(upstream, kind, self.database()), "portkey": lambda: self.portkey_target(upstream, kind)}
        found = []
        for name in self.arguments.targets:
            if name == "nginx-unbuffered" and kind not in ("json", "tls"):
                continue  # the bodies are small there
            if kind == "management" and not name.startswith("accounts"):
                continue  # it has none
            try:
                found.append(makers[name]())
            except Exception as error:  # noqa: BLE001  (told, and the exit code says so)
                why = f"{name} ({kind}): {error}"
                if why not in self.missing:
                    self.missing.append(why)
                    print(f"NOT MEASURED: {why}", flush=True)
        return found

    def nginx_target(self, upstream: str, kind: str, request_buffering: str) -> Target:
        """As it comes it takes a request whole before it sends it on, as credpool does, and can send it again. Unbuffered it sends on
        what it has; with bodies of 256 KB some of its answers end in errors then."""
        from proxy_world import free_port, wait_for_port
        name = "nginx" if request_buffering == "on" else "nginx-unbuffered"
        folder = self.place(f"{name}-{kind}")
        port, address = free_port(), urllib.parse.urlsplit(upstream)
        trust = f"proxy_ssl_trusted_certificate {self.ca}/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_session_reuse on;"
        (folder / "nginx.conf").write_text(self.nginx_frame(folder, f"""
  keepalive_requests 100000000;
  upstream next {{ server {address.netloc}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location / {{
      proxy_pass {address.scheme}://next; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering {"off" if kind == "streams" else "on"}; proxy_request_buffering {request_buffering};
      {trust if address.scheme == "https" else ""}
    }}
  }}"""))
        process = self.start([*PROXY_CORE, self.nginx, "-p", folder, "-c", folder / "nginx.conf"], folder.name)
        wait_for_port(port, process, self.root / f"{folder.name}.log")
        return Target(name, f"http://127.0.0.1:{port}", {}, process)

    def credpool_target(self, upstream: str, kind: str) -> Target:
        home = self.place(f"home-{kind}")
        key_file = home / "key"
        url, process = self.serve(upstream, home, "--open", "--key-file", key_file)
        return Target("credpool", url, {"Authorization": f"Bearer {key_file.read_text().strip()}"}, process)

    def accounts_target(self, upstream: str, kind: str, database: str | None) -> Target:
        """The same with accounts: one account, one key, and credits for all of the run."""
        name = "accounts-postgres" if database else "accounts"
        home = self.place(f"{name}-{kind}")
        url, process = self.serve(upstream, home, "--grant-credits", *(("--store", database) if database else ()),
                                  *(("--trusted-proxy", "127.0.0.1") if kind == "management" else ()))
        account = self.ask(url, "/auth/register", {"email": f"{home.name}@example.com", "password": "Secret123"})["management_key"]
        self.ask(url, "/credits/purchase", {"amount": 10000}, account)
        key = self.ask(url, "/keys", {"name": "bench", "credit_limit": 9000, "limit_reset": "monthly"}, account)["key"]
        return Target(name, url, {"Authorization": f"Bearer {key}"}, process)

    def ask(self, url: str, path: str, body: dict, key: str | None = None, **headers: str) -> dict:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body), {**headers, **({"Authorization": f"Bearer {key}"} if key else {})})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201):
                raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
            return json.loads(text)["data"]

    def database(self) -> str:
        from postgres_server import PostgresServer
        self.postgres = self.postgres or self.stack.enter_context(PostgresServer()).address
        return self.postgres

    def serve(self, upstream: str, home: pathlib.Path, *arguments) -> tuple[str, subprocess.Popen]:
        configuration = home / ".config/credpool/config.json5"
        configuration.parent.mkdir(parents=True)
        configuration.write_text(json.dumps({"baseUrls": {"openai": f"{upstream}/v1"}, "models": {"openai": ["gpt-fake"]},
                                             "validateTokens": False}))
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "OPENAI_API_KEYS": "sk-fake-bench-one-0001,sk-fake-bench-two-0002",
                       "SSL_CERT_FILE": f"{self.ca}/ca.pem"}
        out = home / "out"
        with open(out, "w") as output, open(home / "err", "w") as errors:
            process = self.start([*PROXY_CORE, os.environ["CREDPOOL_PROGRAM"], "serve", "--listen", "127.0.0.1:0", "--log", "off", "--threads", "1",
                                  *arguments], home.name, env=environment, cwd=home, stdout=output, stderr=errors)
        until = time.monotonic() + 20
        while not (lines := [line for line in out.read_text().splitlines() if line.startswith("listening on http")]):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"serve does not listen: {out.read_text()[-300:]}{(home / 'err').read_text()[-300:]}")
            time.sleep(0.05)
        return lines[0].split()[2].rstrip("/"), process

    def portkey_target(self, upstream: str, kind: str) -> Target:
        from proxy_world import free_port, wait_for_port
        place = ROOT / "build-portkey"
        done = subprocess.run([ROOT / "tests/peers/install.sh", place, HERE / "portkey"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        port = free_port()
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": f"{self.ca}/ca.pem", "TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1", "NODE_ENV": "production"}
        process = self.start([*PROXY_CORE, "node", place / "node_modules/@portkey-ai/gateway/build/start-server.js", f"--port={port}", "--headless"],
                             f"portkey-{kind}", env=environment)
        wait_for_port(port, process, self.root / f"portkey-{kind}.log", 30)
        return Target("portkey", f"http://127.0.0.1:{port}", {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1",
                                                              "Authorization": "Bearer sk-fake-bench-one-0001"}, process)

    # ---- measurements
    def keep(self, table: str, cell: str, target: str, values: dict) -> None:
        self.results.setdefault(table, {}).setdefault(cell, {}).setdefault(target, []).append(values)

    def wrk(self, target: Target, connections: int, size: int, seconds: int) -> dict:
        frame = '{"model":"gpt-fake","messages":[{"role":"user","content":"%s"}]}'
        body = frame % ("x" * (size - len(frame) + 2))
        script = self.root / "load.lua"
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in {"Content-Type": "application/json", **target.headers}.items())
        script.write_text(WRK % (f"[==[{body}]==]", headers))
        return self.run_wrk(target, script, connections, seconds, f"{target.url}/v1/chat/completions")

    def run_wrk(self, target: Target, script: pathlib.Path, connections: int, seconds: int, url: str) -> dict:
        before, begin = target.cpu(), time.monotonic()
        with Peak(target.pid) as peak:
            done = subprocess.run([*OTHER_CORES, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, url],
                                  capture_output=True, text=True, check=False)
        cpu, passed = target.cpu() - before, time.monotonic() - begin
        lines = [line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not lines:
            raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
        got = json.loads(lines[0])
        requests = max(1, got["requests"])
        return {"per_second": got["requests"] / got["seconds"], "p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"], "errors": got["errors"],
                "cpu_us": cpu / requests * 1e6, "cpu_share": cpu / passed, "mib": peak.mib}

    def json_table(self, table: str, upstream: str, cells: list[tuple[int, int]]) -> None:
        """Each round has new processes: where its memory happens to lie makes one a tenth faster than another of the same
        program, for as long as it runs."""
        for number in range(self.arguments.rounds):
            targets = self.targets(upstream, "tls" if upstream.startswith("https") else "json")
            for target in targets:
                self.keep("idle memory", "MiB before the first request", target.name, {"mib": target.idle_mib})
                self.wrk(target, cells[-1][0], cells[0][1], 1)  # connections and caches
            for connections, size in cells:
                for target in targets[number % len(targets):] + targets[:number % len(targets)]:
                    self.keep(table, f"{connections} connections, {size / 1024:g} KB", target.name, self.wrk(target, connections, size, self.arguments.seconds))
                    print(".", end="", flush=True)
            self.halt(targets)
        print()

    def halt(self, targets: list[Target]) -> None:
        for target in targets:
            if target.process:
                self.stop(target.process)

    def streaming(self, targets: list[Target]) -> list[Target]:
        """Those that pass a stream at all: Portkey 1.15.2 answers 500 to each under Node.js 20 and newer ("immutable")."""
        good = []
        for target in targets:
            address = urllib.parse.urlsplit(target.url)
            connection = http.client.HTTPConnection(address.netloc, timeout=10)
            with contextlib.closing(connection):
                connection.request("POST", "/v1/chat/completions", '{"model":"gpt-fake","stream":true,"messages":[]}',
                                   {"Content-Type": "application/json", "Authorization": "Bearer sk-fake-bench-one-0001", **target.headers})
                status = connection.getresponse().status
            if status == 200:
                good.append(target)
                continue
            self.halt([target])
            print(f"NOT MEASURED: {target.name} answers {status} to a stream", flush=True)
            if target.name != "portkey":
                self.missing.append(f"{target.name}: {status} to a stream")
        return good

    def management_table(self, upstream: str) -> None:
        """Calls of people's tools. An address and an account may make 1,200 at once: so there are many of both."""
        callers = 16 * self.arguments.rounds
        targets = self.targets(upstream, "management")
        if not targets:
            return
        keys = {}
        for target in targets:
            keys[target.name] = [
                self.ask(target.url, "/auth/register", {"email": f"u{number}@example.com", "password": "Secret123"},
                         **{"X-Forwarded-For": f"10.1.0.{number}"})["management_key"] for number in range(callers)]
            for key in keys[target.name]:
                for number in range(5):
                    self.ask(target.url, "/keys", {"name": f"first-{number}"}, key, **{"X-Forwarded-For": "10.2.0.1"})
        cells = ("GET /credits", "GET /keys?limit=20", "POST /keys")
        for number in range(self.arguments.rounds):
            for cell in cells:
                for target in targets[number % len(targets):] + targets[:number % len(targets)]:
                    script = self.root / "management.lua"
                    script.write_text(MANAGEMENT % (", ".join(f'"{key}"' for key in keys[target.name]), number, *cell.split()))
                    values = self.run_wrk(target, script, 16, 1, target.url)
                    self.keep("management calls, 16 connections", cell, target.name, values)
                    print(".", end="", flush=True)
        print()
        for cell, by_target in self.results.get("management calls, 16 connections", {}).items():
            if "accounts" in by_target and "accounts-postgres" in by_target:
                rates = {name: statistics.median(each["per_second"] for each in rounds) for name, rounds in by_target.items()}
                print(f"{cell}: PostgreSQL beside SQLite {rates['accounts-postgres'] / rates['accounts']:.2f}")
        self.halt(targets)

    def stream_table(self) -> None:
        targets = self.streaming(self.targets(self.stream_upstream(), "streams"))
        for number in range(self.arguments.rounds):
            for streams in STREAMS:
                for target in targets[number % len(targets):] + targets[:number % len(targets)]:
                    address = urllib.parse.urlsplit(target.url)
                    command = [*OTHER_CORES, self.load, "client", "--port", address.port, "--streams", streams]
                    for name, value in target.headers.items():
                        command += ["--header", f"{name}: {value}"]
                    before = target.cpu()
                    with Peak(target.pid) as peak:
                        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
                    got = json.loads(done.stdout) if done.stdout else {"complete": 0, "first_p50_ms": -1, "first_p99_ms": -1, "whole_p50_ms": -1,
                                                                       "whole_p99_ms": -1}
                    self.keep("streams of 50 events, 10 ms apart", f"{streams} at once", target.name, {
                        **got, "errors": streams - got["complete"], "cpu_us": (target.cpu() - before) / (streams * 50) * 1e6, "mib": peak.mib})
                    print(".", end="", flush=True)
        print()
        self.halt(targets)

    def idle_table(self, upstream: str) -> None:
        """What 200 idle connections cost, and how soon the upstream is told that a client has left."""
        import socket

        from proxy_world import FakeProvider
        fake = FakeProvider()
        self.stack.callback(fake.close)
        fake.rules(any_key={"kind": "ok"})
        targets = self.streaming([target for target in self.targets(fake.url, "idle") if target.process])
        for target in targets:
            host = ("127.0.0.1", urllib.parse.urlsplit(target.url).port)
            headers = {"Authorization": "Bearer sk-fake-bench-one-0001", **target.headers}

            def request(stream: bool) -> bytes:
                body = json.dumps({"model": "gpt-fake", "messages": [], "stream": stream})
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())  # noqa: B023  (used at once)
                return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}"
                        f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

            with contextlib.ExitStack() as sockets:
                for _ in range(200):
                    peer = sockets.enter_context(socket.create_connection(host, timeout=10))
                    peer.sendall(request(False))
                    peer.recv(65536)
                time.sleep(1 if self.arguments.quick else 8)  # what rests does so after some seconds
                before, begin = seconds_run(target.pid), time.monotonic()
                time.sleep(1 if self.arguments.quick else 10)
                share = (seconds_run(target.pid) - before) / (time.monotonic() - begin)
                self.keep("200 idle connections", "CPU", target.name, {"percent": share * 100, "mib": memory_mib(target.pid)})
            for _ in range(5 if self.arguments.quick else 25):
                fake.reset()
                fake.rules(any_key={"kind": "stall", "after": 1, "ms": 20000})
                with socket.create_connection(host, timeout=10) as peer:
                    peer.sendall(request(True))
                    got = b""
                    while b"data: " not in got:
                        got += (part := peer.recv(65536))
                        if not part:
                            raise RuntimeError(f"{target.name} closed a stream: {got[:200]!r}")
                    left = time.monotonic_ns()
                gone = fake.wait(lambda seen: seen and seen[-1]["gone"])[-1]["gone"]
                self.keep("a client leaves a stream", "until the upstream is told", target.name, {"ms": (gone - left) / 1e6})
        self.halt(targets)

    # ---- report
    def report(self) -> dict:
        merged = {}
        for table, cells in self.results.items():
            print(f"\n===== {table}, median of the rounds; in brackets that of the ratios to nginx in each round")
            for cell, by_target in cells.items():
                print(cell)
                middle = {name: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]} for name, rounds in by_target.items()}
                for name, rounds in by_target.items():
                    middle[name]["worst"] = {key: max(each[key] for each in rounds) for key in rounds[0]}
                for name, values in middle.items():
                    base = by_target.get("nginx", [])
                    ratios = {key: [ours[key] / theirs[key] for ours, theirs in zip(by_target[name], base, strict=False)]
                              for key in by_target[name][0] if base and all(theirs.get(key) for theirs in base)}
                    values["to_nginx"] = {key: statistics.median(each) for key, each in ratios.items()}
                    values["to_nginx_within"] = {key: within for key, each in ratios.items() if (within := interval(each))}
                    shown = []
                    for key, value in values.items():
                        if key in ("worst", "to_nginx", "to_nginx_within", "bytes", "seconds", "streams", "complete") or (name == "direct" and key in ("cpu_us", "mib", "cpu_share")):
                            continue
                        ratio = ""
                        if name != "nginx" and key in values["to_nginx"]:
                            within = values["to_nginx_within"].get(key)
                            ratio = f" ({values['to_nginx'][key]:.2f}{f', {within[0]:.2f} to {within[1]:.2f}' if within else ''})"
                        shown.append(f"{key} {value:.2f}{ratio}" if value < 1000 else f"{key} {value:.0f}{ratio}")
                    print(f"  {name:<18}" + "   ".join(shown))
                if "direct" in middle and "p50_ms" in middle["direct"] and cell.startswith("1 connections"):
                    added = {name: values["p50_ms"] - middle["direct"]["p50_ms"] for name, values in middle.items() if name != "direct"}
                    print("  added p50: " + ", ".join(f"{name} {value:.3f} ms" for name, value in added.items()))
                merged.setdefault(table, {})[cell] = middle
        return merged


def cells(text: str) -> list[tuple[int, int]]:
    """Connections and bytes of a body, of each cell."""
    return [(int(connections), int(size)) for connections, size in (cell.split("x") for cell in text.split(","))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--only", choices=["json", "tls", "streams", "idle", "management"])
    parser.add_argument("--cells", default=[(connections, size) for size in BODIES for connections in CONNECTIONS],
                        type=cells, metavar="CONNECTIONSxBYTES,...",
                        help="of the JSON tables only these, such as 64x512,512x16384")
    parser.add_argument("--targets", default=",".join(NAMES), type=lambda text: text.split(","))
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (1 if arguments.quick else 3)
    program = pathlib.Path(os.environ.get("CREDPOOL_PROGRAM", arguments.build / "tools/credpool/credpool"))
    os.environ["CREDPOOL_PROGRAM"] = str(program.resolve())
    lacking = [name for name in ("wrk", "node", "openssl") if shutil.which(name) is None]
    if lacking or not (arguments.build / "tests/bench/stream-load").exists():
        print(f"NOT MEASURED: {', '.join(lacking) or 'stream-load'} is not there")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    leave_the_proxys_core()
    wanted = [arguments.only] if arguments.only else ["json", "tls", "streams", "idle", "management"]
    with contextlib.ExitStack() as stack:
        bench = Bench(arguments, stack)
        plain, sealed = bench.json_upstream()
        if "json" in wanted:
            bench.json_table("JSON", plain, arguments.cells)
        if "tls" in wanted:
            bench.json_table("JSON, TLS upstream", sealed, arguments.cells)
        if "streams" in wanted:
            bench.stream_table()
        if "management" in wanted:
            bench.management_table(plain)
        if "idle" in wanted:
            bench.idle_table(plain)
        document = bench.report()
        out = arguments.out or arguments.build / "proxy_bench.json"
        out.write_text(json.dumps({"rounds": arguments.rounds, "seconds": arguments.seconds, "results": document}, indent=1))
        print(f"\nwritten: {out}")
        for each in bench.missing:
            print(f"NOT MEASURED: {each}")
        return 1 if bench.missing else 0


if __name__ == "__main__":
    sys.exit(main())
