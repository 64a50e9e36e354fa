# SPDX-License-Identifier: MIT
"""Thousands of peers that take their time, by slowhttptest: D10 of the faults."""
import os
import pathlib
import subprocess
import time
import unittest

from proxy_world import ProxyWorld, SideClient, memory_kib, need, say
from raw_peer import BODY, SOCKETS


class Slow(unittest.TestCase):
    """D10: peers that take their time do not slow the others."""

    def attack(self, name: str, *options: str) -> None:
        need("slowhttptest")
        with ProxyWorld() as world:
            world.post()
            with SideClient(world) as calm:
                time.sleep(2)
            (world.root / "body").write_bytes(BODY)
            # It has no option for a header of ours: the key travels in another one's value.
            command = ["slowhttptest", "-u", f"{world.url}/v1/chat/completions", "-c", str(SOCKETS), "-r", "1000", "-l", "15", "-p", "3",
                       "-m", f"*/*\r\nAuthorization: Bearer {world.key}", *options]
            peak = 0
            with SideClient(world) as side:
                log = world.root / "slowhttptest.log"
                with open(log, "w") as output:
                    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=world.root)
                    opened, until = 0, time.monotonic() + 40
                    while process.poll() is None and time.monotonic() < until:
                        peak = max(peak, memory_kib(world.proxy.pid))
                        opened = max(opened, len(os.listdir(f"/proc/{world.proxy.pid}/fd")))
                        time.sleep(0.1)
                    process.kill()
                    process.wait()
            say(f"{name}: {opened} descriptors at most, side client p99 {side.percentile(0.99) * 1000:.1f} ms of {len(side.latencies)} "
                f"(calm {calm.percentile(0.99) * 1000:.1f}; goal 50), resident {peak / 1024:.1f} MiB (goal 64)")
            self.assertEqual(side.failures, [])
            self.assertGreater(opened, SOCKETS // 10, pathlib.Path(log).read_text(errors="replace")[-1000:])
            self.assertLess(side.percentile(0.99), 0.5)
            self.assertLess(peak, 64 * 1024)

    def test_slow_heads(self):
        self.attack("slow heads", "-H", "-i", "2")

    def test_slow_bodies(self):
        self.attack("slow bodies", "-B", "-i", "2", "-s", "8192", "-t", "POST")

    def test_slow_readers(self):
        self.attack("slow readers", "-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1", "-k", "3")


if __name__ == "__main__":
    unittest.main()
