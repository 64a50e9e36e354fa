# SPDX-License-Identifier: MIT
"""Requests to the gateway itself in the access log: who asked for what, under the id that the answer has, and no secret."""
import http.client
import json
import socket
import time
import unittest

from gateway_world import EventReader, GatewayWorld

HEALTH = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "health"}).encode()
JSON = {"Content-Type": "application/json"}


class Log(unittest.TestCase):
    def lines_of(self, world: GatewayWorld, *ids: str) -> list[dict]:
        """The lines of these requests, in this order; each has one."""
        until = time.monotonic() + 10
        while True:
            lines = world.server.log_lines()
            found = [[line for line in lines if line.get("requestId") == one] for one in ids]
            if all(found) or time.monotonic() > until:
                self.assertEqual([len(one) for one in found], [1] * len(ids), world.server.said()[-3000:])
                return [one[0] for one in found]
            time.sleep(0.02)

    def line(self, world: GatewayWorld, answer) -> dict:
        return self.lines_of(world, answer.headers["x-request-id"])[0]

    def test_who_asked_for_what(self):
        with GatewayWorld() as world:
            peer = world.new_peer()
            answer = world.ask("POST", "/rpc?canary=query", {**JSON, **world.bearer()}, HEALTH, peer)
            line = self.line(world, answer)
            self.assertEqual({name: line.get(name) for name in ("who", "rpc", "method", "path", "status", "ended", "peer", "bytesIn", "bytesOut")},
                             {"who": "token:main", "rpc": "health", "method": "POST", "path": "/rpc", "status": 200, "ended": "ok",
                              "peer": peer, "bytesIn": len(HEALTH), "bytesOut": len(answer.body)})
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
            self.assertLess(line["totalMs"], 60_000)

            reader = world.new_token("reader", "read")
            self.assertEqual(self.line(world, world.ask("GET", "/openrpc.json", world.bearer(reader)))["who"], "token:reader")
            batch = json.dumps([{"jsonrpc": "2.0", "method": "health", "id": n} for n in range(3)]).encode()
            self.assertEqual(self.line(world, world.ask("POST", "/rpc", {**JSON, **world.bearer()}, batch))["rpc"], "health +2")
            unknown = HEALTH.replace(b"health", b"canary-method")
            self.assertEqual(self.line(world, world.ask("POST", "/rpc", {**JSON, **world.bearer()}, unknown))["rpc"], "unknown")

            entered = world.enter(world.code())
            line = self.line(world, entered)
            self.assertEqual((line["who"], line["path"], line["status"]), ("session", "/ui/session", 200))
            session = {"Cookie": entered.headers["set-cookie"].partition(";")[0], "X-Credpool-Proof": json.loads(entered.body)["proof"],
                       "Origin": f"http://{world.host}"}
            line = self.line(world, world.ask("POST", "/rpc", {**JSON, **session}, HEALTH))
            self.assertEqual((line["who"], line["rpc"]), ("session", "health"))
            for path, status in (("/ui/", 200), ("/ui/app.js", 200), ("/ui/app.js?canary", 200), ("/ui", 302)):
                line = self.line(world, world.ask("GET", path))
                self.assertEqual((line["path"], line["status"], line["ended"], "who" in line), (path.partition("?")[0], status, "ok", False))

    def test_what_is_refused(self):
        with GatewayWorld() as world:
            for headers, status in (({**JSON}, 401), ({**JSON, **world.bearer("cpg-canary-wrong")}, 401), ({**world.bearer()}, 415),
                                    ({**JSON, **world.bearer(), "Origin": "https://evil.example"}, 403),
                                    ({**JSON, **world.bearer(), "Content-Length": "9999999"}, 413)):
                with self.subTest(headers=headers):
                    answer = world.ask("POST", "/rpc", headers, b"" if status == 413 else HEALTH)
                    self.assertEqual(answer.status, status)
                    line = self.line(world, answer)
                    self.assertEqual((line["status"], line["ended"], line["path"]), (status, "refused", "/rpc"))
                    self.assertNotIn("rpc", line)

    def test_the_own_socket(self):
        with GatewayWorld() as world, socket.socket(socket.AF_UNIX) as one:
            one.connect(str(world.state / "gateway.sock"))
            one.sendall(b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(HEALTH) + HEALTH)
            answer = http.client.HTTPResponse(one)
            answer.begin()
            answer.read()
            (line,) = self.lines_of(world, answer.headers["x-request-id"])
            self.assertEqual((line["who"], line["rpc"], line["peer"]), ("unix", "health", "unix"))

    def test_events_are_told_when_they_end(self):
        with GatewayWorld() as world:
            with EventReader(world) as reader:
                next(reader.events())
                request = reader.answer.headers["x-request-id"]
                self.assertNotIn(request, world.server.said())
                reader.socket.shutdown(socket.SHUT_RDWR)
            (line,) = self.lines_of(world, request)
            self.assertEqual((line["path"], line["status"], line["ended"], line["who"]), ("/events", 200, "client_gone", "token:main"))
            self.assertGreater(line["bytesOut"], 0)

    def test_questions_about_its_health_only_when_they_fail(self):
        with GatewayWorld() as world:
            for path, headers in (("/healthz", {}), ("/readyz", {}), ("/metrics", world.bearer())):
                answer = world.ask("GET", path, headers)
                self.assertEqual(answer.status, 200)
                self.assertTrue(answer.headers["x-request-id"])
            refused = [world.ask("GET", "/metrics"), world.ask("POST", "/healthz")]
            lines = self.lines_of(world, *(one.headers["x-request-id"] for one in refused))
            self.assertEqual([line["status"] for line in lines], [401, 405])
            self.assertEqual(len(world.server.log_lines()), 2, world.server.said())
        with GatewayWorld(environment={}) as world:
            answer = world.ask("GET", "/readyz")
            self.assertEqual(answer.status, 503)
            self.assertEqual(self.line(world, answer)["path"], "/readyz")

    def test_no_secret(self):
        with GatewayWorld() as world:
            session = world.session()
            canaries = [world.token, session["Cookie"].partition("=")[2], session["X-Credpool-Proof"], "canary-query", "canary-body", "canary-origin"]
            code = world.code()
            canaries += [code, world.new_token("named", "read")]
            answers = [
                world.enter(code), world.enter(code), world.enter("canary-body"),
                world.ask("POST", "/rpc?token=canary-query", {**JSON, **session}, HEALTH),
                world.ask("POST", "/rpc", {**JSON, **world.bearer()}, b'{"canary-body'),
                world.ask("POST", "/rpc", {**JSON, **session, "Origin": "http://canary-origin"}, HEALTH),
                world.ask("GET", f"/ui/{world.token}"), world.ask("GET", f"/ui/{code}"), world.ask("POST", f"/{world.token}"),
                world.ask("DELETE", "/ui/session", session)]
            lines = self.lines_of(world, *(one.headers["x-request-id"] for one in answers))
            self.assertEqual([line["status"] for line in lines], [200, 401, 401, 200, 200, 403, 404, 404, 401, 204])
            said = world.server.said()
            for canary in canaries:
                self.assertNotIn(canary, said)

    def test_in_words_and_not_at_all(self):
        with GatewayWorld(log="text") as world:
            answer = world.ask("POST", "/rpc", {**JSON, **world.bearer()}, HEALTH)
            request = answer.headers["x-request-id"]
            until = time.monotonic() + 10
            while request not in world.server.said() and time.monotonic() < until:
                time.sleep(0.02)
            (line,) = [one for one in world.server.said().splitlines() if request in one]
            self.assertIn(" token:main POST /rpc 200 ok rpc=health ", line)
        with GatewayWorld(log="off") as world:
            answer = world.ask("POST", "/rpc", {**JSON, **world.bearer()}, HEALTH)
            self.assertTrue(answer.headers["x-request-id"])
            world.server.close()
            self.assertNotIn(answer.headers["x-request-id"], world.server.said())


if __name__ == "__main__":
    unittest.main()
