# SPDX-License-Identifier: MIT
"""Thousands of clients that read nothing of answers without an end: D10 of the faults. What the proxy keeps for each
must not depend on how the provider sends."""
import contextlib
import json
import os
import select
import time
import unittest

from proxy_world import ProxyWorld, SideClient, chat, memory_kib, say
from raw_peer import SOCKETS, Raw, head

# What one event holds, and, where the framing is not Node's, how the bytes are cut and framed.
PATTERNS = {
    "small events": {"bytes": 200},
    "events of 16 KB": {"bytes": 16000},
    "events of 64 KB": {"bytes": 64000},
    "chunks of a few bytes in writes of 1 KiB": {"bytes": 1, "write": 1024},
    "writes of 1,000 bytes": {"bytes": 200, "write": 1000},
    "writes of 1 MiB and a length": {"bytes": 200, "write": 1 << 20, "framing": "length"},
    "one event without end, until the connection closes": {"bytes": 3_000_000, "write": 16384, "framing": "close"},
}
# KiB beside 5,000 readers, without the program's own code: an optimised build maps 11 MiB of that, so it stays below
# 64,000,000 bytes with it; one for debugging maps 21 MiB.
MOST_KEPT = 48 * 1024
AT_REST = 6 * 1024  # of these, with nobody there
# The two that once cost most are tried with all readers, the others with fewer unless there is time.
WITH_ALL = set(PATTERNS) if os.environ.get("CREDPOOL_FAULT_LEVEL") == "soak" else {"small events", "events of 64 KB"}
FEW = min(SOCKETS, 1500)


class SlowReaders(unittest.TestCase):
    def stall(self, world, readers: int, stack, **rule) -> list[Raw]:
        """So many clients whose answer has begun, of which they read nothing."""
        world.post()
        world.fake.rules(any_key={"kind": "endless", **rule})
        body = json.dumps(chat(stream=True)).encode()
        waiting = {}
        poll = select.poll()
        for number in range(readers):
            reader = Raw(world, receive_buffer=4096)
            stack.callback(reader.socket.close)
            reader.send(head(b"Content-Length: %d" % len(body)) + body)
            waiting[reader.socket.fileno()] = reader
            poll.register(reader.socket, select.POLLIN)
            if number % 200 == 199:
                time.sleep(0.1)
        until = time.monotonic() + 120
        all_of_them = list(waiting.values())
        while waiting and time.monotonic() < until:
            for descriptor, _ in poll.poll(500):
                poll.unregister(descriptor)
                del waiting[descriptor]
        self.assertEqual(len(waiting), 0, "so many answers have not begun")
        world.fake.rules()
        return all_of_them

    def settled(self, world) -> int:
        """What it holds in memory in KiB, once that grows no more."""
        seen = [0, memory_kib(world.proxy.pid, "RssAnon")]
        while len(seen) < 30 and seen[-1] > seen[-3:][0]:
            time.sleep(1)
            seen.append(memory_kib(world.proxy.pid, "RssAnon"))
        return seen[-1]

    def test_their_memory_is_bounded_however_the_provider_sends(self):
        for name, rule in PATTERNS.items():
            with self.subTest(name), ProxyWorld() as world, contextlib.ExitStack() as stack:
                readers = self.stall(world, SOCKETS if name in WITH_ALL else FEW, stack, **rule)
                kept = self.settled(world)
                say(f"{len(readers)} slow readers, {name}: {kept / 1024:.1f} MiB kept")
                self.assertLess(kept, AT_REST + (MOST_KEPT - AT_REST) * len(readers) / 5000)
                if name == "small events":
                    self.others_are_served(world, len(readers))
                for reader in readers[:: max(1, len(readers) // 50)]:
                    self.assertEqual(reader.socket.recv(15), b"HTTP/1.1 200 OK")

    def others_are_served(self, world, readers: int) -> None:
        # The provider has one thread: until every answer has stalled it is what others wait for.
        until = time.monotonic() + 60
        while time.monotonic() < until:
            begin = time.monotonic()
            world.post()
            if time.monotonic() - begin < 0.05:
                break
        with SideClient(world) as side:
            time.sleep(5)
        say(f"beside {readers} slow readers: p99 {side.percentile(0.99) * 1000:.1f} ms of {len(side.latencies)}")
        self.assertEqual(side.failures, [])
        self.assertGreater(len(side.latencies), 50)
        self.assertLess(side.percentile(0.99), 0.5)

    def test_tiny_writes(self):
        readers = min(SOCKETS, 100)  # a provider that writes so can hardly stall more
        for write in (1, 100):
            with self.subTest(write=write), ProxyWorld() as world, contextlib.ExitStack() as stack:
                world.post()
                before = memory_kib(world.proxy.pid, "RssAnon")
                self.stall(world, readers, stack, bytes=200, write=write)
                grown = self.settled(world) - before
                say(f"{readers} slow readers, writes of {write} bytes: {grown / 1024:.1f} MiB more")
                self.assertLess(grown, readers * 10 + 4 * 1024)  # each its own, and what is kept for all together

    def test_a_slow_reader_gets_every_byte(self):
        """What was kept while nobody read comes in order, and whole."""
        with ProxyWorld() as world, contextlib.ExitStack() as stack:
            reader = self.stall(world, 1, stack, bytes=200, write=777)[0]
            time.sleep(0.5)
            got = b""
            while len(got) < 3_000_000:
                got += reader.socket.recv(65536)
            _, _, rest = got.partition(b"\r\n\r\n")
            body = b""
            while True:
                size, _, rest = rest.partition(b"\r\n")
                if len(rest) < int(size, 16) + 2:
                    break
                body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2:]
            self.assertGreater(len(body), 2_500_000)
            event = body[: body.index(b"\n\n") + 2]
            self.assertTrue(event.startswith(b"data: {"))
            self.assertTrue((event * (len(body) // len(event) + 1)).startswith(body))


if __name__ == "__main__":
    unittest.main()
