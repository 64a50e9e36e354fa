# SPDX-License-Identifier: MIT
"""A connection to the proxy on which anything can be sent, in any pieces, and read or left unread."""
import contextlib
import json
import os
import socket

from proxy_world import chat

BODY = json.dumps(chat()).encode()
# How many peers take their time at once.
SOCKETS = int(os.environ.get("CREDPOOL_SLOW_SOCKETS", "5000"))


class Raw:
    """One connection to the proxy; {KEY} in what is sent stands for the key."""

    def __init__(self, world, timeout: float = 15, receive_buffer: int = 0):
        self.key = world.key.encode()
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", int(world.url.rsplit(":", 1)[1])))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data.replace(b"{KEY}", self.key))

    def to_the_end(self) -> bytes:
        """All until the proxy closes; a reset is an end too."""
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                got += part
        return got

    def answer(self) -> tuple[int, dict, bytes]:
        """One answer of known length (or without a body), the connection stays."""
        got = b""
        while b"\r\n\r\n" not in got:
            part = self.socket.recv(65536)
            assert part, f"closed after {got!r}"
            got += part
        head, _, rest = got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding") == "chunked":
            while not rest.endswith(b"0\r\n\r\n"):
                rest += self.socket.recv(65536)
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            rest += self.socket.recv(65536)
        self.rest = rest[length:] if "content-length" in headers else b""
        return int(lines[0].split()[1]), headers, rest


def head(*lines: bytes, method: bytes = b"POST", target: bytes = b"/v1/chat/completions", version: bytes = b"HTTP/1.1",
         host: bytes = b"Host: localhost\r\n") -> bytes:
    return (method + b" " + target + b" " + version + b"\r\n" + host + b"Authorization: Bearer {KEY}\r\n"
            b"Content-Type: application/json\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
