# SPDX-License-Identifier: MIT
"""D10 at the gateway: peers that take their time do not slow the others."""
import contextlib
import json
import os
import subprocess
import time
import unittest

from gateway_world import EventReader, GatewayWorld
from proxy_world import SideClient, memory_kib, need, say

SOCKETS = int(os.environ.get("CREDPOOL_SLOW_SOCKETS", "5000"))
CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "gateway.whoami"}).encode()


class Side(SideClient):
    """Calls a method again and again."""

    def run(self) -> None:
        headers = {"Content-Type": "application/json", **self.world.bearer()}
        while not self.done.is_set():
            begin = time.monotonic()
            try:
                answer = self.world.ask("POST", "/rpc", headers, CALL)
                if answer.status != 200:
                    self.failures.append(str(answer.status))
            except OSError as error:
                self.failures.append(repr(error))
            self.latencies.append(time.monotonic() - begin)
            self.done.wait(self.pause)


class Slow(unittest.TestCase):
    def calm(self, world: GatewayWorld) -> float:
        with Side(world) as side:
            time.sleep(2)
        return side.percentile(0.99)

    def judge(self, name: str, calm: float, side: Side, opened: int, resident: int) -> None:
        say(f"{name}: {opened} connections, side client p99 {side.percentile(0.99) * 1000:.1f} ms of {len(side.latencies)} "
            f"(calm {calm * 1000:.1f}; goal 50), "
            f"resident {resident / 1024:.1f} MiB (goal 64)")
        self.assertEqual(side.failures, [])
        self.assertLess(side.percentile(0.99), max(0.5, 3 * calm))  # a machine may be busy by itself
        self.assertLess(resident, 64 * 1024)

    def attack(self, name: str, path: str, *options: str) -> None:
        need("slowhttptest")
        with GatewayWorld() as world:
            command = ["slowhttptest", "-u", f"{world.server.url}{path}", "-c", str(SOCKETS), "-r", "1000", "-l", "12", "-p", "3",
                       "-m", f"*/*\r\nAuthorization: Bearer {world.token}", *options]
            opened = peak = 0
            calm = self.calm(world)
            with Side(world) as side:
                with open(world.root / "slowhttptest.log", "w") as output:
                    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=world.root)
                    until = time.monotonic() + 40
                    while process.poll() is None and time.monotonic() < until:
                        peak = max(peak, memory_kib(world.server.pid))
                        opened = max(opened, len(os.listdir(f"/proc/{world.server.pid}/fd")))
                        time.sleep(0.1)
                    process.kill()
                    process.wait()
            self.assertGreater(opened, SOCKETS // 10)
            self.judge(name, calm, side, opened, peak)

    def test_slow_heads(self):
        self.attack("slow heads at /rpc", "/rpc", "-H", "-i", "2")

    def test_slow_bodies(self):
        self.attack("slow bodies at /rpc", "/rpc", "-B", "-i", "2", "-s", "8192", "-t", "POST", "-f", "application/json")

    def test_slow_readers(self):
        self.attack("slow readers of a page", "/ui/app.js", "-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1", "-k", "3")

    def test_idle_connections_and_readers_of_events(self):
        with GatewayWorld() as world, contextlib.ExitStack() as stack:
            calm = self.calm(world)
            for _ in range(250):
                stack.enter_context(EventReader(world))
            for _ in range(SOCKETS - 250):
                stack.enter_context(world.connect())
            with Side(world) as side:
                for _ in range(20):
                    world.result("tokenDiscovery.scan")
                time.sleep(3)
            self.judge("idle ones, and 250 readers of events", calm, side, len(os.listdir(f"/proc/{world.server.pid}/fd")), memory_kib(world.server.pid))


if __name__ == "__main__":
    unittest.main()
