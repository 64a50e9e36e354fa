# SPDX-License-Identifier: MIT
"""The gateway's events, metrics and health."""
import collections
import json
import os
import re
import signal
import threading
import time
import unittest

from gateway_world import EventReader, GatewayWorld
from proxy_world import memory_kib, say


def publish(world, count: int) -> None:
    """So many scan.finished, by batches of calls."""
    for begin in range(0, count, 25):
        batch = [{"jsonrpc": "2.0", "id": i, "method": "tokenDiscovery.scan"} for i in range(begin, min(begin + 25, count))]
        answer = world.ask("POST", "/rpc", {"Content-Type": "application/json", **world.bearer()}, json.dumps(batch).encode())
        assert answer.status == 200, (answer.status, answer.body)


class Events(unittest.TestCase):
    def test_a_reader_resumes(self):
        with GatewayWorld() as world:
            with EventReader(world) as reader:
                stream = reader.events()
                first = next(stream)
                self.assertEqual(first[1:], ("resync", {}))
                world.result("tokenDiscovery.scan")
                while (event := next(stream))[1] != "scan.finished":
                    pass
            publish(world, 3)
            with EventReader(world, last=event[0]) as reader:
                kinds, stream = [], reader.events()
                while kinds.count("scan.finished") < 3:
                    kinds.append(next(stream)[1])
                self.assertNotIn("resync", kinds)
            for other in ("nonsense", "0-1", event[0].partition("-")[0] + "-999999"):
                with EventReader(world, last=other) as reader:
                    self.assertEqual(next(reader.events())[1], "resync")

    def test_who_reads_nothing_holds_nobody_up(self):
        with GatewayWorld() as world:
            events, good = 100, 50
            got, done = collections.Counter(), threading.Barrier(good + 1)

            def read(number: int) -> None:
                with EventReader(world) as reader:
                    stream = reader.events()
                    next(stream)
                    done.wait(20)
                    while got[number] < events:
                        got[number] += next(stream)[1] == "scan.finished"

            with EventReader(world, receive_buffer=2048):
                threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(good)]
                for thread in threads:
                    thread.start()
                done.wait(20)
                begin = time.monotonic()
                publish(world, events)
                called = time.monotonic() - begin
                for thread in threads:
                    thread.join(20)
                say(f"{events} events to {good} readers beside one that reads nothing: {time.monotonic() - begin:.2f} s, calls {called:.2f} s")
                self.assertEqual(set(got.values()), {events})
                self.assertEqual(len(got), good)

    def test_it_ends_with_what_let_it_in(self):
        with GatewayWorld() as world:
            token = world.new_token("brief", "read")
            with EventReader(world, **world.bearer(token)) as reader:
                stream = reader.events()
                next(stream)
                world.result("gateway.tokens.revoke", name="brief")
                world.result("tokenDiscovery.scan")
                self.assertEqual([event for event in stream if event[1] == "scan.finished"], [])

    def test_there_are_only_so_many(self):
        with GatewayWorld() as world:
            readers = []
            try:
                for _ in range(256):
                    readers.append(EventReader(world))
                    next(readers[-1].events())
                answer = world.ask("GET", "/events", world.bearer(), head_only=True)
                self.assertEqual(answer.status, 503)
            finally:
                for reader in readers:
                    reader.socket.close()

    def test_nobody_listens_and_nothing_is_done(self):
        with GatewayWorld() as world:
            def busy() -> int:
                fields = open(f"/proc/{world.server.pid}/stat").read().rpartition(")")[2].split()
                return int(fields[11]) + int(fields[12])
            time.sleep(1)
            before = busy()
            time.sleep(4)
            used = (busy() - before) / os.sysconf("SC_CLK_TCK")
            say(f"idle for 4 s: {used * 1000:.0f} ms of a processor")
            self.assertLess(used, 0.2)


SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.]+(?:e[+-]?\d+)?|\+Inf|NaN)$')
LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')


def parse(test: unittest.TestCase, text: str) -> dict:
    """{family: [(name, labels, value)]}; strict: what Prometheus would only forgive is a failure."""
    test.assertTrue(text.endswith("\n"))
    families, kinds, current, seen = {}, {}, None, set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            current = line.split(" ", 3)[2]
            test.assertNotIn(current, families, "a family in two places")
            test.assertTrue(line.split(" ", 3)[3])
            families[current] = []
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            test.assertEqual(name, current)
            test.assertIn(kind, ("counter", "gauge", "histogram"))
            kinds[name] = kind
            test.assertEqual(kind == "counter", name.endswith("_total"), name)
        else:
            found = SAMPLE.match(line)
            test.assertIsNotNone(found, line)
            name, labels, value = found.group(1), dict(LABEL.findall(found.group(2) or "")), float(found.group(3))
            base = re.sub(r"_(bucket|sum|count)$", "", name) if kinds[current] == "histogram" else name
            test.assertEqual(base, current, line)
            key = (name, tuple(sorted(labels.items())))
            test.assertNotIn(key, seen, "a sample twice")
            seen.add(key)
            if kinds[current] != "gauge":
                test.assertGreaterEqual(value, 0)
            families[current].append((name, labels, value))
    for name, kind in kinds.items():
        if kind != "histogram":
            continue
        by_labels = collections.defaultdict(list)
        for sample, labels, value in families[name]:
            by_labels[tuple(sorted((a, b) for a, b in labels.items() if a != "le"))].append((sample, labels.get("le"), value))
        for samples in by_labels.values():
            buckets = [(float(le.replace("+Inf", "inf")), value) for sample, le, value in samples if le]
            test.assertEqual(buckets, sorted(buckets))
            test.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
            test.assertEqual(buckets[-1][0], float("inf"))
            test.assertEqual([value for sample, _, value in samples if sample.endswith("_count")], [buckets[-1][1]])
            test.assertEqual(len([1 for sample, _, _ in samples if sample.endswith("_sum")]), 1)
    return families


class Metrics(unittest.TestCase):
    def test_metrics(self):
        with GatewayWorld() as world:
            world.ask("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, b"{}")
            world.ask("POST", "/rpc", {"Content-Type": "application/json", **world.bearer("cpg-wrong")}, b"{}")
            answer = world.ask("GET", "/metrics", world.bearer())
            self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
            families = parse(self, answer.body.decode())
            def value(name, **labels):
                return sum(v for _, own, v in families[name] if labels.items() <= own.items())
            self.assertEqual(value("credpool_build_info"), 1)
            self.assertEqual(value("credpool_credentials", provider="openai", eligibility="eligible"), 2)
            self.assertEqual(value("credpool_credentials", provider="anthropic"), 1)
            self.assertEqual(value("credpool_proxy_requests_total", **{"class": "4xx", "ending": "refused"}), 1)
            self.assertEqual(value("credpool_gateway_refused_total"), 1)
            self.assertLess(abs(value("process_resident_memory_bytes") / 1024 - memory_kib(world.server.pid)), 32 * 1024)
            for name in ("credpool_leases_in_flight", "credpool_cooldowns", "credpool_refreshes_total", "credpool_ledger_queue",
                         "credpool_events_subscribers", "credpool_proxy_request_duration_seconds", "credpool_proxy_tokens_total"):
                self.assertIn(name, families)
            self.assertEqual(world.ask("GET", "/metrics").status, 401)
            self.assertIn("credpool_build_info", world.result("metrics")["text"])


class Health(unittest.TestCase):
    def test_readiness_goes_before_the_server_does(self):
        with GatewayWorld() as world:
            self.assertEqual(world.ask("GET", "/readyz", {"Host": "a.load.balancer"}).status, 200)
            with EventReader(world) as reader:
                stream = reader.events()
                next(stream)
                world.server.process.send_signal(signal.SIGTERM)
                until = time.monotonic() + 5
                while (answer := world.ask("GET", "/readyz")).status == 200 and time.monotonic() < until:
                    time.sleep(0.01)
                self.assertEqual(answer.status, 503)
                self.assertEqual(json.loads(answer.body)["reasons"], ["it is stopping"])
                self.assertEqual([event for event in stream if event[1] == "resync"], [])  # it ends, whole
            self.assertEqual(world.server.process.wait(timeout=20), 0)
            self.assertFalse((world.state / "gateway.json").exists())

    def test_nothing_to_lend(self):
        with GatewayWorld(environment={}) as world:
            self.assertEqual(world.ask("GET", "/healthz").status, 200)
            answer = world.ask("GET", "/readyz")
            self.assertEqual((answer.status, json.loads(answer.body)["reasons"]), (503, ["there is nothing to lend"]))

    def test_settings_are_read_again(self):
        with GatewayWorld() as world:
            file = world.server.home / ".config/credpool/config.json5"
            settings = json.loads(file.read_text())
            with EventReader(world) as reader:
                stream = reader.events()
                next(stream)
                file.write_text(json.dumps({**settings, "rotationStrategy": "fill-first"}))
                world.server.process.send_signal(signal.SIGHUP)
                while (event := next(stream))[1] != "settings.changed":
                    pass
                self.assertIn("rotationStrategy", [change["path"] for change in event[2]["changed"]])
                file.write_text("{ not settings")
                world.server.process.send_signal(signal.SIGHUP)
                while next(stream)[1] != "settings.refused":
                    pass
            self.assertEqual(world.ask("GET", "/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
