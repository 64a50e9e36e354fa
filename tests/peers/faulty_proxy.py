#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server in front of the OAuth server that answers wrongly when it is told to.

In a test:   with FaultyProxy(target, tls="DIR") as proxy: proxy.plan("drop")
By itself:   faulty_proxy.py http://127.0.0.1:PORT [--tls DIR]   prints {"http", "https"?}; ends with its stdin
             POST /__fault {"kind": ..., "times": n, ...} plans, GET /__seen tells what arrived.

A planned fault is used up by the next token request (a POST whose path ends in /token); with `spends`,
the sha256 of a refresh token, by the next one that spends that. Everything else passes. "Rotated" means that the server behind has spent the token:

    drop            rotated, then the connection is reset          (no answer at all)
    close           rotated, then closed in order, TLS close_notify included
    close_unsent    closed in order; the server behind never hears of it
    truncate        rotated, half of the announced body
    slow            rotated, one byte each `seconds` (1)
    html, garbage   rotated, a 200 whose body is a web page, or noise
    edit            rotated, with members of the JSON replaced by `values` (null removes one)
    body            rotated, `text` instead of the JSON
    redirect        `status` (307) to `location`; not rotated
    status          `status` (503) with `headers` and `text`; not rotated
    delay           rotated, the answer `seconds` later
    hold            the request is held back for `seconds`, then passes
"""
import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse


def read_request(stream):
    """One HTTP request: (method, target, headers, body), or None at the end of the connection."""
    line = stream.readline(65536)
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = http.client.parse_headers(stream)
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body = b""
        while size := int(stream.readline(100).split(b";")[0], 16):
            body += stream.read(size)
            stream.readline(10)
        stream.readline(10)
    else:
        body = stream.read(int(headers.get("Content-Length") or 0))
    return method, target, headers, body


def refresh_token_of(body: bytes) -> str | None:
    """What a token request spends, whatever the shape of its body."""
    text = body.decode("latin-1")
    with contextlib.suppress(ValueError):
        return json.loads(text).get("refresh_token")
    return dict(urllib.parse.parse_qsl(text)).get("refresh_token")


class FaultyProxy:
    """`target` is the http address of the server behind; `tls` the folder of throwaway_ca.sh."""

    def __init__(self, target: str, tls: str | os.PathLike | None = None):
        behind = urllib.parse.urlsplit(target)
        self.behind = (behind.hostname, behind.port)
        self.lock = threading.Lock()
        self.planned: list[dict] = []
        self.seen: list[dict] = []
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(pathlib.Path(tls) / "leaf.pem", pathlib.Path(tls) / "leaf.key")
        self.ports: dict[str, int] = {}
        self.listeners: dict[str, socket.socket] = {}

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_):
        self.refuse()

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def https(self) -> str:
        return f"https://127.0.0.1:{self.ports['https']}"

    def listen(self) -> None:
        """Opens the ports; after refuse() the same ones again."""
        for scheme in ["http"] + (["https"] if self.context else []):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.ports.get(scheme, 0)))
            listener.listen(256)
            self.ports[scheme] = listener.getsockname()[1]
            self.listeners[scheme] = listener
            threading.Thread(target=self.accept, args=(listener, scheme == "https"), daemon=True).start()

    def refuse(self) -> None:
        """From now on nobody can connect."""
        for listener in self.listeners.values():
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.listeners.clear()

    def plan(self, kind: str, times: int = 1, **more) -> None:
        if kind not in FAULTS:
            raise ValueError(f"no fault {kind}")
        with self.lock:
            self.planned += [{"kind": kind, **more}] * times

    def calm(self) -> None:
        """Forgets what was planned and not used."""
        with self.lock:
            self.planned.clear()

    def bodies(self) -> dict[str, int]:
        """sha256 of a refresh token -> how often it arrived here."""
        times: dict[str, int] = {}
        with self.lock:
            for each in self.seen:
                if each["spends"]:
                    times[each["spends"]] = times.get(each["spends"], 0) + 1
        return times

    def token_requests(self) -> int:
        with self.lock:
            return sum(1 for each in self.seen if each["token"])

    # ---- one connection
    def accept(self, listener: socket.socket, sealed: bool) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection, sealed), daemon=True).start()

    def serve(self, connection: socket.socket, sealed: bool) -> None:
        try:
            connection.settimeout(120)
            if sealed:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection.makefile("rb") as stream:
                request = read_request(stream)
            if request and request[0] == "CONNECT" and self.context and not sealed:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                return self.serve(connection, True)
            if request:
                self.answer(connection, *request)
            self.close(connection)
        except (OSError, ValueError, http.client.HTTPException):
            connection.close()  # the peer went away, or talks something else: that is its right

    @staticmethod
    def close(connection: socket.socket) -> None:
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(1)
            with contextlib.suppress(OSError):
                connection = connection.unwrap()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        connection.close()

    def answer(self, connection, method, target, headers, body) -> None:
        path = urllib.parse.urlsplit(target).path
        if path.startswith("/__fault"):
            self.plan(**json.loads(body))
            return connection.sendall(response(200, b"{}"))
        if path == "/__seen":
            with self.lock:
                return connection.sendall(response(200, json.dumps(self.seen).encode()))
        token = method == "POST" and path.endswith("/token")
        spent = refresh_token_of(body) if token else None
        with self.lock:
            spends = hashlib.sha256(spent.encode()).hexdigest() if spent else None
            fault = self.take(spends) if token else PASS
            self.seen.append({"method": method, "path": path, "token": token, "host": headers.get("Host"),
                              "fault": fault["kind"], "at": time.time(), "spends": spends})
        if fault["kind"] in UNSENT:
            return UNSENT[fault["kind"]](connection, fault)
        if fault["kind"] == "hold":
            time.sleep(fault.get("seconds", 1))
        status, given = self.forward(method, target, headers, body)
        return SENT[fault["kind"]](connection, fault, status, given)

    def take(self, spends: str | None) -> dict:
        for fault in self.planned:
            if fault.get("spends") in (None, spends):
                self.planned.remove(fault)
                return fault
        return PASS

    def forward(self, method, target, headers, body) -> tuple[int, bytes]:
        split = urllib.parse.urlsplit(target)
        behind = http.client.HTTPConnection(*self.behind, timeout=60)
        passed = {name: value for name, value in headers.items()
                  if name.lower() not in ("connection", "transfer-encoding", "content-length", "expect")}
        behind.request(method, split.path + (f"?{split.query}" if split.query else ""), body, passed)
        got = behind.getresponse()
        given = got.read()
        behind.close()
        return got.status, given


def response(status: int, body: bytes, headers: dict | None = None) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close",
             "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **(headers or {})}
    head = f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode() + body


def redirect(connection, fault):
    connection.sendall(response(fault.get("status", 307), b"", {"Location": fault["location"]}))


def status_only(connection, fault):
    text = fault.get("text", '{"error":"temporarily_unavailable"}').encode()
    connection.sendall(response(fault.get("status", 503), text, fault.get("headers")))


def drop(connection, *_):
    # Linger of 0 s: a reset instead of an orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=connection.detach()).close()


def truncate(connection, _, status, body):
    whole = response(status, body)
    connection.sendall(whole[:len(whole) - len(body) // 2])
    drop(connection)


def slow(connection, fault, status, body):
    for byte in response(status, body):
        connection.sendall(bytes([byte]))
        time.sleep(fault.get("seconds", 1))


def edit(connection, fault, status, body):
    members = {**json.loads(body), **fault["values"]}
    text = json.dumps({name: value for name, value in members.items() if value is not None})
    connection.sendall(response(status, text.encode()))


def delay(connection, fault, status, body):
    time.sleep(fault.get("seconds", 1))
    connection.sendall(response(status, body))


PAGE = b"<!doctype html><title>Just a moment...</title><h1>Checking your browser</h1>"
PASS = {"kind": "pass"}
UNSENT = {"close_unsent": lambda *_: None, "redirect": redirect, "status": status_only}
SENT = {
    "pass": lambda connection, _, status, body: connection.sendall(response(status, body)),
    "hold": lambda connection, _, status, body: connection.sendall(response(status, body)),
    "drop": drop, "close": lambda *_: None, "truncate": truncate, "slow": slow, "delay": delay, "edit": edit,
    "html": lambda connection, *_: connection.sendall(response(200, PAGE, {"Content-Type": "text/html"})),
    "garbage": lambda connection, *_: connection.sendall(response(200, bytes(range(256)) * 2)),
    "body": lambda connection, fault, *_: connection.sendall(response(200, fault["text"].encode())),
}
FAULTS = {*UNSENT, *SENT}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--tls")
    arguments = parser.parse_args()
    with FaultyProxy(arguments.target, arguments.tls) as proxy:
        print(json.dumps({scheme: f"{scheme}://127.0.0.1:{port}" for scheme, port in proxy.ports.items()}), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
