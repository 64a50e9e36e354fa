#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway of `credpool serve` with 100 credentials: calls a second beside GET /healthz, events to 200 clients, and what it costs idle.

Usage: gateway_bench.py BUILD_DIR [--quick] [--rounds N] [--seconds S] [--clients N] [--out FILE]

Calls and health checks take turns within a round; read their ratio. An event counts from the moment its call was sent until a client has read
it. CPU is user and system time of the server, memory its proportional set size.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "tests/e2e"))
from proxy_bench import OTHER_CORES, PROXY_CORE, WRK, cpu_seconds, memory_mib  # noqa: E402  (found by the line above)

CREDENTIALS = 100


class Gateway:
    """A server of its own in a throw-away home."""

    def __init__(self, program: pathlib.Path, root: pathlib.Path):
        self.home = root / "home"
        self.home.mkdir()
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"],
                       "OPENAI_API_KEYS": ",".join(f"sk-fake-bench-{number:04}" for number in range(CREDENTIALS))}
        with open(root / "out", "w") as out:
            self.process = subprocess.Popen([*PROXY_CORE, program, "serve", "--open", "--listen", "127.0.0.1:0", "--log", "off"], env=environment,
                                            cwd=self.home, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + 30
        while not (found := re.search(r"^listening on (http://\S+)", (root / "out").read_text(), re.MULTILINE)):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"serve does not listen: {(root / 'out').read_text()[-500:]}")
            time.sleep(0.05)
        self.url = found[1].rstrip("/")
        self.address = urllib.parse.urlsplit(self.url)
        self.token = (self.home / ".local/state/credpool/gateway.token").read_text().strip()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def call(self, method: str, parameters: dict) -> dict:
        connection = http.client.HTTPConnection(self.address.netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", "/rpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}),
                               {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})
            answer = json.loads(connection.getresponse().read())
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer}")
        return answer["result"]


def load(gateway: Gateway, root: pathlib.Path, path: str, call: dict | None, connections: int, seconds: int) -> dict:
    script = root / "load.lua"
    headers = f'wrk.headers["Authorization"] = "Bearer {gateway.token}"\nwrk.headers["Content-Type"] = "application/json"\n'
    text = WRK % (f"[==[{json.dumps(call)}]==]", headers)
    script.write_text(text if call else text.replace('wrk.method = "POST"', 'wrk.method = "GET"').replace("wrk.body = ", "local unused = "))
    script.chmod(0o600)
    before = cpu_seconds(gateway.process.pid)
    done = subprocess.run([*OTHER_CORES, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, gateway.url + path],
                          capture_output=True, text=True, check=False)
    lines = [line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    got = json.loads(lines[0])
    return {"per_second": got["requests"] / got["seconds"], "p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"], "errors": got["errors"],
            "cpu_us": (cpu_seconds(gateway.process.pid) - before) / max(1, got["requests"]) * 1e6}


class Listeners:
    """Clients of /events."""

    def __init__(self, gateway: Gateway, count: int):
        self.selector = selectors.DefaultSelector()
        self.sockets, self.seen = [], {}
        request = (f"GET /events HTTP/1.1\r\nHost: {gateway.address.netloc}\r\nAuthorization: Bearer {gateway.token}\r\n"
                   "Accept: text/event-stream\r\n\r\n").encode()
        for _ in range(count):
            peer = socket.create_connection((gateway.address.hostname, gateway.address.port), timeout=10)
            peer.sendall(request)
            head = b""
            while b"\r\n\r\n" not in head:
                head += (part := peer.recv(4096))
                if not part:
                    raise RuntimeError(f"/events: {head[:200]!r}")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise RuntimeError(f"/events: {head[:200]!r}")
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ)
            self.sockets.append(peer)

    def close(self) -> None:
        for peer in self.sockets:
            peer.close()
        self.selector.close()

    def drain(self, seconds: float) -> int:
        """Reads what comes in that time; returns the bytes."""
        total, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                total += len(key.fileobj.recv(1 << 16))
        return total

    def delays(self, needle: bytes, begin: float, patience: float = 5.0) -> list[float]:
        """How long after `begin` each client has read that text, in seconds."""
        tails, found = {peer: b"" for peer in self.sockets}, {}
        until = begin + patience
        while len(found) < len(self.sockets) and (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                peer = key.fileobj
                part = peer.recv(1 << 16)
                if not part:
                    raise RuntimeError("a stream of events ended")
                tails[peer] = (tails[peer] + part)[-(1 << 15):]
                if peer not in found and needle in tails[peer]:
                    found[peer] = time.monotonic() - begin
        return list(found.values())


def events(gateway: Gateway, clients: int, times: int) -> dict:
    listeners = Listeners(gateway, clients)
    try:
        listeners.drain(1.5)
        someone = gateway.call("tokenDiscovery.status", {})["credentials"][0]["id"]
        delays, missed = [], 0
        before = cpu_seconds(gateway.process.pid)
        for number in range(times):
            begin = time.monotonic()
            gateway.call("tokenDiscovery.setDisabled", {"credential": someone, "value": number % 2 == 0})
            got = listeners.delays(b"event: credential.changed", begin)
            delays += got
            missed += clients - len(got)
            listeners.drain(0.2)
        cpu = cpu_seconds(gateway.process.pid) - before
        delays.sort()
        if not delays:
            raise RuntimeError("no client was told of anything")
        return {"clients": clients, "p50_ms": delays[len(delays) // 2] * 1e3, "p99_ms": delays[int(len(delays) * 0.99)] * 1e3, "missed": missed,
                "cpu_us_an_event_and_client": cpu / (times * clients) * 1e6, "mib": memory_mib(gateway.process.pid)}
    finally:
        listeners.close()


def idle(gateway: Gateway, seconds: float) -> dict:
    time.sleep(1)
    before, begin = cpu_seconds(gateway.process.pid), time.monotonic()
    time.sleep(seconds)
    return {"cpu_percent": (cpu_seconds(gateway.process.pid) - before) / (time.monotonic() - begin) * 100, "mib": memory_mib(gateway.process.pid)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    rounds, seconds = (arguments.rounds or (1 if arguments.quick else 5)), (arguments.seconds or (1 if arguments.quick else 3))
    program = pathlib.Path(os.environ.get("CREDPOOL_PROGRAM", arguments.build / "tools/credpool/credpool")).resolve()
    if shutil.which("wrk") is None:
        print("NOT MEASURED: wrk is not there")
        return 1
    results: dict = {}
    with tempfile.TemporaryDirectory(prefix="credpool-bench-") as folder:
        root = pathlib.Path(folder)
        gateway = Gateway(program, root)
        try:
            results["idle"] = idle(gateway, 3 if arguments.quick else 20)
            print(f"idle, {CREDENTIALS} credentials: {results['idle']['cpu_percent']:.2f} % CPU, {results['idle']['mib']:.1f} MiB")
            status = {"jsonrpc": "2.0", "id": 1, "method": "tokenDiscovery.status", "params": {}}
            cells = {"GET /healthz": ("/healthz", None), "rpc health": ("/rpc", {**status, "method": "health"}), "rpc tokenDiscovery.status": ("/rpc", status)}
            for connections in (1, 16):
                table: dict = {name: [] for name in cells}
                for _ in range(rounds):
                    for name, (path, call) in cells.items():
                        table[name].append(load(gateway, root, path, call, connections, seconds))
                print(f"{connections} connections, median of {rounds}; in brackets the ratio to GET /healthz")
                middle = {name: {key: statistics.median(each[key] for each in rows) for key in rows[0]} for name, rows in table.items()}
                base = middle["GET /healthz"]
                for name, values in middle.items():
                    print(f"  {name:<26}" + "   ".join(f"{key} {value:.2f}" + (f" ({value / base[key]:.2f})" if base[key] and key != "errors" else "")
                                                       for key, value in values.items()))
                results[f"{connections} connections"] = middle
            results["events"] = events(gateway, arguments.clients, 3 if arguments.quick else 25)
            print("events: " + "   ".join(f"{key} {value:.2f}" for key, value in results["events"].items()))
            results["idle afterwards"] = idle(gateway, 3 if arguments.quick else 20)
            print(f"idle afterwards: {results['idle afterwards']['cpu_percent']:.2f} % CPU, {results['idle afterwards']['mib']:.1f} MiB")
        finally:
            gateway.stop()
    out = arguments.out or arguments.build / "gateway_bench.json"
    out.write_text(json.dumps(results, indent=1))
    print(f"written: {out}")
    failed = sum(values["errors"] for name, table in results.items() if name.endswith("connections") for values in table.values())
    return 1 if failed or results["events"]["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
