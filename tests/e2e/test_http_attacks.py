# SPDX-License-Identifier: MIT
"""Attacks on the listener with raw sockets: D9 and D11 of the faults, the deadline of D10, and plain HTTP/1.1."""
import contextlib
import json
import re
import socket
import time
import unittest

from proxy_world import ProxyWorld, chat, memory_kib, say
from raw_peer import BODY, Raw, head

MEGABYTE = 1 << 20

LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
WHOLE_CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED = head(LENGTH, target=b"/v1/completions") + BODY  # what an attacker hides behind the first request

AMBIGUOUS = {
    "Content-Length and Transfer-Encoding": head(LENGTH, CHUNKED) + WHOLE_CHUNK,
    "Transfer-Encoding and Content-Length": head(CHUNKED, LENGTH) + WHOLE_CHUNK,
    "Content-Length 0 and Transfer-Encoding": head(b"Content-Length: 0", CHUNKED) + WHOLE_CHUNK,
    "two lengths that differ": head(LENGTH, b"Content-Length: 5") + BODY,
    "two lengths alike": head(LENGTH, LENGTH) + BODY,
    "a list of lengths": head(LENGTH + b", 5") + BODY,
    "a list of equal lengths": head(LENGTH + b", %d" % len(BODY)) + BODY,
    "a negative length": head(b"Content-Length: -1") + BODY,
    "a length with a sign": head(b"Content-Length: +%d" % len(BODY)) + BODY,
    "a length with letters": head(LENGTH + b"x") + BODY,
    "a length in hex": head(b"Content-Length: 0x40") + BODY,
    "an empty length": head(b"Content-Length:") + BODY,
    "a length beyond 64 bits": head(b"Content-Length: 18446744073709551617") + BODY,
    "a blank before the colon of Transfer-Encoding": head(b"Transfer-Encoding : chunked") + WHOLE_CHUNK,
    "a blank before the colon": head(LENGTH, b"X-Blank : 1") + BODY,
    "a tab before the colon": head(LENGTH, b"X-Tab\t: 1") + BODY,
    "chunked, then identity": head(b"Transfer-Encoding: chunked, identity") + WHOLE_CHUNK,
    "identity": head(b"Transfer-Encoding: identity") + BODY,
    "gzip, not chunked": head(b"Transfer-Encoding: gzip") + BODY,
    "chunked twice": head(b"Transfer-Encoding: chunked, chunked") + WHOLE_CHUNK,
    "two Transfer-Encodings": head(CHUNKED, b"Transfer-Encoding: identity") + WHOLE_CHUNK,
    "an almost chunked": head(b"Transfer-Encoding: xchunked") + WHOLE_CHUNK,
    "chunked with a vertical tab": head(b"Transfer-Encoding: \x0bchunked") + WHOLE_CHUNK,
    "Transfer-Encoding in HTTP/1.0": head(CHUNKED, version=b"HTTP/1.0") + WHOLE_CHUNK,
    "a chunk size beyond 64 bits": head(CHUNKED) + b"FFFFFFFFFFFFFFFFF\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a negative chunk size": head(CHUNKED) + b"-5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk size in 0x": head(CHUNKED) + b"0x10\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk size that is no number": head(CHUNKED) + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk longer than its size": head(CHUNKED) + b"5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a bare line feed after a chunk size": head(CHUNKED) + WHOLE_CHUNK.replace(b"\r\n", b"\n"),
    "a folded header": head(LENGTH, b"X-Folded: a\r\n b") + BODY,
    "a fold at the first header": b"POST /v1/chat/completions HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "bare line feeds": head(LENGTH).replace(b"\r\n", b"\n") + BODY,
    "one bare line feed": head(LENGTH, b"X-One: 1\nX-Two: 2") + BODY,
    "a bare carriage return": head(LENGTH, b"X-One: 1\rX-Two: 2") + BODY,
    "a NUL in a value": head(LENGTH, b"X-Nul: a\0b") + BODY,
    "a NUL in a name": head(LENGTH, b"X-N\0l: a") + BODY,
    "a control character in a value": head(LENGTH, b"X-Bell: a\x07b") + BODY,
    "an empty header name": head(LENGTH, b": empty") + BODY,
    "a header without a colon": head(LENGTH, b"nothing at all") + BODY,
    "a header name with a bracket": head(LENGTH, b"X[0]: 1") + BODY,
    "a NUL in the target": head(LENGTH, target=b"/v1/chat\0/completions") + BODY,
    "a blank in the target": head(LENGTH, target=b"/v1/chat completions") + BODY,
    "no target": head(LENGTH, target=b"") + BODY,
    "a target without a slash": head(LENGTH, target=b"v1/chat/completions") + BODY,
    "the absolute form with another host": head(LENGTH, target=b"http://evil.example/v1/chat/completions") + BODY,
    "CONNECT": head(method=b"CONNECT", target=b"evil.example:443"),
    "no Host": head(LENGTH, host=b"") + BODY,
    "two Hosts": head(LENGTH, b"Host: evil.example") + BODY,
    "a lower-case method": head(LENGTH, method=b"post") + BODY,
    "an unknown method": head(LENGTH, method=b"BREW") + BODY,
    "a method with a control character": head(LENGTH, method=b"PO\x01ST") + BODY,
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "HTTP/1.2": head(LENGTH, version=b"HTTP/1.2") + BODY,
    "HTTP/2.0": head(LENGTH, version=b"HTTP/2.0") + BODY,
    "HTTP/1.1 in small letters": head(LENGTH, version=b"http/1.1") + BODY,
    "HTTP/01.1": head(LENGTH, version=b"HTTP/01.1") + BODY,
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200 + b"\r\n\r\n",
    "random bytes": bytes(range(256)) * 4 + b"\r\n\r\n",
}
ANSWERS = re.compile(rb"HTTP/1\.[01] \d{3} ")
REFUSALS = {400, 405, 413, 414, 421, 431, 501, 505}


class Smuggling(unittest.TestCase):
    """D9: 400 (or a kin of it), exactly one answer, then the connection is closed and nobody else heard of it."""

    def test_what_can_be_read_two_ways_is_refused(self):
        with ProxyWorld() as world:
            for name, request in AMBIGUOUS.items():
                with self.subTest(name), Raw(world) as peer:
                    peer.send(request + SMUGGLED)
                    got = peer.to_the_end()
                    self.assertTrue(got.startswith(b"HTTP/1.1 "), got[:200])
                    self.assertIn(int(got.split()[1]), REFUSALS, got[:300])
                    self.assertEqual(len(ANSWERS.findall(got)), 1, "the hidden request was answered too")
                    self.assertIn(b"connection: close", got.partition(b"\r\n\r\n")[0].lower())
            self.assertEqual(world.fake.requests(), [])
            self.assertEqual(world.post()[0], 200)

    def test_each_byte_alone_is_refused_the_same_way(self):
        with ProxyWorld() as world:
            for name in ("Content-Length and Transfer-Encoding", "two lengths that differ", "a folded header", "a chunk size beyond 64 bits"):
                with self.subTest(name), Raw(world) as peer:
                    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                        for byte in AMBIGUOUS[name].replace(b"{KEY}", world.key.encode()):
                            peer.socket.sendall(bytes([byte]))
                    got = peer.to_the_end()
                    if got:  # a reset after the refusal may have overtaken it
                        self.assertIn(int(got.split()[1]), REFUSALS, got)
            self.assertEqual(world.fake.requests(), [])

    def test_the_absolute_form_with_our_own_host(self):
        with ProxyWorld() as world, Raw(world) as peer:
            port = b"%d" % world.proxy.port
            peer.send(head(LENGTH, target=b"http://127.0.0.1:" + port + b"/v1/chat/completions", host=b"Host: 127.0.0.1:" + port + b"\r\n") + BODY)
            self.assertIn(peer.answer()[0], {200, *REFUSALS})  # RFC 9112 wants it taken; refusing is safe too


class Plain(unittest.TestCase):
    def test_keep_alive_and_one_after_the_other(self):
        with ProxyWorld() as world, Raw(world) as peer:
            for _ in range(50):
                peer.send(head(LENGTH) + BODY)
                self.assertEqual(peer.answer()[0], 200)
            peer.send(head(LENGTH, b"Connection: close") + BODY)
            status, headers, _ = peer.answer()
            self.assertEqual((status, headers["connection"].lower()), (200, "close"))
            self.assertEqual(peer.socket.recv(1), b"")

    def test_pipelined_requests_are_answered_in_order(self):
        with ProxyWorld() as world, Raw(world) as peer:
            count = 12
            texts = [json.dumps(chat(model="gpt-fake" if number % 3 else "gpt-nobody")).encode() for number in range(count)]
            peer.send(b"".join(head(b"Content-Length: %d" % len(text)) + text for text in texts[:-1]) +
                      head(b"Content-Length: %d" % len(texts[-1]), b"Connection: close") + texts[-1])
            got = peer.to_the_end()
            statuses = [int(found.split()[1]) for found in ANSWERS.findall(got)]
            self.assertEqual(statuses, [200 if number % 3 else 404 for number in range(count)])
            seen = [entry["body_sha256"] for entry in world.fake.requests()]
            self.assertEqual(len(seen), count - count // 3)

    def test_expect_100_continue(self):
        with ProxyWorld() as world, Raw(world) as peer:
            peer.send(head(LENGTH, b"Expect: 100-continue"))
            self.assertEqual(peer.answer()[0], 100)
            peer.send(BODY)
            self.assertEqual(peer.answer()[0], 200)
        # Refused before the body is sent: no 100.
        with ProxyWorld() as world, Raw(world) as peer:
            peer.send(head(b"Content-Length: 100000000", b"Expect: 100-continue"))
            self.assertEqual(peer.answer()[0], 413)

    def test_an_expectation_that_nobody_knows(self):
        with ProxyWorld() as world, Raw(world) as peer:
            peer.send(head(LENGTH, b"Expect: 200-tea", b"Connection: close") + BODY)
            self.assertIn(peer.answer()[0], (200, 417))

    def test_head_and_options(self):
        with ProxyWorld() as world:
            for method in (b"HEAD", b"OPTIONS"):
                with self.subTest(method=method), Raw(world) as peer:
                    peer.send(head(b"Connection: close", method=method, target=b"/v1/models"))
                    got = peer.to_the_end()
                    first, _, rest = got.partition(b"\r\n\r\n")
                    self.assertEqual(len(ANSWERS.findall(got)), 1)
                    self.assertIn(int(first.split()[1]), (200, 204, 404, 405))
                    if method == b"HEAD":
                        self.assertEqual(rest, b"")

    def test_http_1_0(self):
        with ProxyWorld() as world, Raw(world) as peer:
            peer.send(head(LENGTH, version=b"HTTP/1.0") + BODY)
            got = peer.to_the_end()
            self.assertIn(int(got.split()[1]), {200, 505})
            self.assertNotIn(b"transfer-encoding", got.partition(b"\r\n\r\n")[0].lower())

    def test_slowly_but_in_time(self):
        with ProxyWorld() as world, Raw(world) as peer:
            request = (head(LENGTH) + BODY).replace(b"{KEY}", world.key.encode())
            for at in range(0, len(request), 40):
                peer.socket.sendall(request[at:at + 40])
                time.sleep(0.01)
            self.assertEqual(peer.answer()[0], 200)

    def test_empty_lines_before_a_request_and_chunk_trailers(self):
        with ProxyWorld() as world, Raw(world) as peer:
            peer.send(b"\r\n" + head(CHUNKED) + WHOLE_CHUNK[:-2] + b"X-Trailer: trailed\r\n\r\n")
            self.assertIn(peer.answer()[0], {200, 400})
            for entry in world.fake.requests():
                self.assertNotIn("trailed", str(entry["headers"]))


class Bombs(unittest.TestCase):
    """D11: too much of anything is refused, and costs no memory."""

    def refused(self, world, request: bytes, *statuses: int, more: bytes = b"", times: int = 0) -> None:
        with Raw(world) as peer:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                peer.send(request)
                for _ in range(times):
                    peer.send(more)
            got = peer.to_the_end()
            self.assertTrue(got, "closed without a word")
            self.assertIn(int(got.split()[1]), statuses, got[:200])
            self.assertEqual(len(ANSWERS.findall(got)), 1)

    def test_heads(self):
        with ProxyWorld() as world:
            world.post()
            before = memory_kib(world.proxy.pid)
            with Raw(world) as peer:
                peer.send(head(LENGTH, b"X-Long: " + b"a" * 9000) + BODY)
                self.assertEqual(peer.answer()[0], 200)  # 9 KB are fine
            with Raw(world) as peer:
                peer.send(head(LENGTH, *(b"X-%d: 1" % number for number in range(90))) + BODY)
                self.assertEqual(peer.answer()[0], 200)
            self.refused(world, head(LENGTH, *(b"X-%d: 1" % number for number in range(101))) + BODY, 431)
            self.refused(world, head(LENGTH, b"X-Long: " + b"a" * 70000) + BODY, 431)
            self.refused(world, head(LENGTH, target=b"/v1/" + b"a" * 70000) + BODY, 414, 431)
            self.refused(world, b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Bomb: ", 431, more=b"a" * 65536, times=400)
            self.refused(world, b"a" * 1000, 400, 405, 431, 501, more=b"a" * 65536, times=100)
            self.refused(world, b"POST / HTTP/1.1\r\n", 431, more=b"X-Bomb: 1\r\n" * 1000, times=200)
            self.assertLess(memory_kib(world.proxy.pid) - before, 4 * 1024)

    def test_bodies(self):
        with ProxyWorld() as world:
            world.post()
            before = memory_kib(world.proxy.pid)
            self.refused(world, head(b"Content-Length: 104857600"), 413, more=b"a" * MEGABYTE, times=100)
            self.refused(world, head(b"Content-Length: 9223372036854775807"), 413)
            self.refused(world, head(CHUNKED), 413, more=b"100000\r\n" + b"a" * MEGABYTE + b"\r\n", times=100)
            # One byte a chunk: the framing counts too.
            self.refused(world, head(CHUNKED), 413, 400, more=b"1\r\na\r\n" * 20000, times=500)
            self.refused(world, head(CHUNKED), 400, 413, more=b"1;" + b"x" * 65536, times=600)
            self.refused(world, head(CHUNKED) + b"0\r\n", 400, 413, 431, more=b"X-T: " + b"x" * 65536 + b"\r\n", times=600)
            grown = memory_kib(world.proxy.pid) - before
            say(f"bodies of 100 MB refused: {grown} KiB more memory, peak {memory_kib(world.proxy.pid, 'VmHWM') / 1024:.1f} MiB")
            self.assertEqual(len(world.fake.requests()), 1)
            self.assertLess(memory_kib(world.proxy.pid, "VmHWM"), 128 * 1024)
            self.assertEqual(world.post()[0], 200)

    def test_many_bodies_at_once_that_never_end(self):
        with ProxyWorld() as world, contextlib.ExitStack() as stack:
            world.post()
            for _ in range(200):
                peer = stack.enter_context(Raw(world))
                peer.send(head(b"Content-Length: 30000000") + b'{"model":"gpt-fake","x":"' + b"a" * 1000)
            time.sleep(0.5)
            resident = memory_kib(world.proxy.pid)
            say(f"200 bodies of 30 MB announced, 1 KB sent of each: {resident / 1024:.1f} MiB resident")
            self.assertLess(resident, 64 * 1024)
            self.assertEqual(world.post()[0], 200)

    def test_idle_connections_keep_nothing_of_large_requests(self):
        with ProxyWorld() as world, contextlib.ExitStack() as stack:
            large = json.dumps({**chat(), "user": "a" * (4 * MEGABYTE)}).encode()
            world.post()
            for _ in range(40):
                peer = stack.enter_context(Raw(world, timeout=30))
                peer.send(head(b"Content-Length: %d" % len(large)) + large)
                self.assertEqual(peer.answer()[0], 200)
            resident = memory_kib(world.proxy.pid)
            say(f"40 idle connections, each after a request of 4 MiB: {resident / 1024:.1f} MiB resident")
            self.assertLess(resident, 64 * 1024)

    def test_the_memory_of_large_bodies_goes_back(self):
        """48 callers in the middle of a body of 1 MiB, who leave."""
        with ProxyWorld() as world, contextlib.ExitStack() as stack:
            world.post()
            before = memory_kib(world.proxy.pid, "RssAnon")
            peers = [stack.enter_context(Raw(world)) for _ in range(48)]
            for peer in peers:
                peer.send(head(b"Content-Length: %d" % MEGABYTE) + b"a" * (MEGABYTE - 1))
            until = time.monotonic() + 20
            while (held := memory_kib(world.proxy.pid, "RssAnon") - before) < 47 * 1024 and time.monotonic() < until:
                time.sleep(0.05)
            self.assertGreaterEqual(held, 47 * 1024)
            for peer in peers:
                peer.socket.close()
            until = time.monotonic() + 20
            while (left := memory_kib(world.proxy.pid, "RssAnon") - before) > 8 * 1024 and time.monotonic() < until:
                time.sleep(0.1)
            say(f"48 bodies of 1 MiB: {held / 1024:.1f} MiB held, {left / 1024:.1f} MiB when they have left")
            self.assertLessEqual(left, 8 * 1024)


class Deadline(unittest.TestCase):
    """D10: who takes his time loses his connection."""

    def test_a_head_has_a_deadline(self):
        with ProxyWorld() as world, Raw(world, timeout=40) as peer:
            begin = time.monotonic()
            with contextlib.suppress(OSError):
                for byte in head(LENGTH, b"X-Slow: " + b"a" * 500):
                    peer.socket.sendall(bytes([byte]))
                    peer.socket.settimeout(0.25)
                    with contextlib.suppress(TimeoutError):
                        if peer.socket.recv(1) is not None:
                            break
            passed = time.monotonic() - begin
            say(f"a head of one byte each 0.25 s was refused after {passed:.1f} s")
            self.assertLess(passed, 30)


if __name__ == "__main__":
    unittest.main()
