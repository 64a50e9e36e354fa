# SPDX-License-Identifier: MIT
"""Who gets into the gateway and who does not: D1 to D5, D8 and D13 to D15 of the faults, over raw sockets."""
import itertools
import json
import re
import statistics
import time
import unittest

from gateway_world import GatewayWorld
from proxy_world import say

WHOAMI = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "gateway.whoami"}).encode()


class Forged(unittest.TestCase):
    """Every combination of Host, Origin, credential, path, method and type has exactly the status that it must have."""

    def test_product(self):
        with GatewayWorld() as world:
            port = world.server.port
            session = world.session()
            cookie, proof = session["Cookie"], session["X-Credpool-Proof"]
            reader = world.new_token("reader", "read")
            hosts = {f"127.0.0.1:{port}": True, f"localhost:{port}": True, f"evil.example:{port}": False, f"localhost.:{port}": False,
                     f"0x7f.1:{port}": False, f"[::1]:{port}": False, f"127.evil.com:{port}": False, "127.0.0.1": False}
            origins = [None, "own", "https://evil.example", "null", f"http://127.0.0.1:{port + 1}"]
            credentials = {
                "none": ({}, False), "token": (world.bearer(), True), "a token to read": (world.bearer(reader), True),
                "wrong": (world.bearer("cpg-wrong"), False), "a prefix": (world.bearer(world.token[:-1]), False),
                "longer": (world.bearer(world.token + "x"), False), "basic": ({"Authorization": f"Basic {world.token}"}, False),
                "session": ({"Cookie": cookie, "X-Credpool-Proof": proof}, "session"),
                "cookie": ({"Cookie": cookie}, False), "proof": ({"X-Credpool-Proof": proof}, False),
                "in the query": ({}, False), "a header of its own": ({"X-Api-Key": world.token}, False)}
            requests = [("POST", "/rpc", "application/json"), ("POST", "/rpc", "text/plain"), ("PUT", "/rpc", "application/json"),
                        ("GET", "/events", None), ("GET", "/metrics", None)]
            wrongly_in, wrong_status, let_in = [], [], 0
            count = 0
            for (host, good_host), origin, (name, (headers, good)), (method, path, kind) in itertools.product(
                    hosts.items(), origins, credentials.items(), requests):
                count += 1
                origin_sent = f"http://{host}" if origin == "own" else origin
                if not good_host:
                    expected = 421
                elif origin not in (None, "own"):
                    expected = 403
                elif method == "PUT":
                    expected = 405
                elif kind == "text/plain":
                    expected = 415
                elif good == "session" and method == "POST" and origin is None:
                    expected = 401
                else:
                    expected = 200 if good else 401
                target = path + (f"?token={world.token}&access_token={world.token}" if name == "in the query" else "")
                answer = world.ask(method, target, {"Host": host, "Origin": origin_sent, "Content-Type": kind, **headers},
                                   WHOAMI if method != "GET" else b"", head_only=path == "/events")
                let_in += answer.status == 200
                what = (host, origin, name, method, path, kind, answer.status, expected)
                if answer.status == 200 and expected != 200:
                    wrongly_in.append(what)
                elif answer.status != expected:
                    wrong_status.append(what)
            say(f"{count} requests, {let_in} let in, {len(wrongly_in)} of them wrongly")
            self.assertEqual(wrongly_in, [])
            self.assertEqual(wrong_status, [])
            self.assertGreaterEqual(count, 2000)
            # Two hosts, two origins; POST, events, metrics of two tokens, and of the session without its POST from nowhere.
            self.assertEqual(let_in, 2 * (2 * 2 * 3 + 2 * 3 - 1))
            self.assertIsNone(world.server.process.poll())

    def test_other_spellings_of_a_path_are_other_paths(self):
        with GatewayWorld() as world:
            for path in ("/%72pc", "//rpc", "/rpc/", "/./rpc", "/rpc;x", "/RPC", "/rpc%00", "/x/../rpc", "/rpc%2f", "/rpc.json", "/ui/../rpc",
                         "/ui/..%2frpc", "/ui/%2e%2e/rpc", "/ui/../../gateway.token", "/ui/%2e%2e/%2e%2e/gateway.token", "/events/", "/metrics/"):
                for method in ("GET", "POST"):
                    answer = world.ask(method, path, {"Content-Type": "application/json", **world.bearer()}, WHOAMI if method == "POST" else b"")
                    self.assertIn(answer.status, (400, 401, 404, 405), (method, path))
                    self.assertNotIn(world.token.encode(), answer.body)

    def test_heads_that_are_none(self):
        with GatewayWorld() as world:
            auth = f"Authorization: Bearer {world.token}\r\n".encode()
            host = f"Host: {world.host}\r\n".encode()
            kind = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n" % len(WHOAMI)
            post = b"POST /rpc HTTP/1.1\r\n"
            self.assertEqual(world.raw(post + host + auth + kind + b"\r\n" + WHOAMI).status, 200)
            for name, request in {
                    "no Host": post + auth + kind, "two Hosts": post + host + host + auth + kind,
                    "two Hosts, one evil": post + host + b"Host: evil.example\r\n" + auth + kind,
                    "two Authorizations": post + host + auth + b"Authorization: Bearer x\r\n" + kind,
                    "two Origins": post + host + auth + kind + b"Origin: http://%b\r\nOrigin: https://evil.example\r\n" % world.host.encode(),
                    "two types": post + host + auth + kind + b"Content-Type: text/plain\r\n",
                    "the absolute form of another host": b"POST http://evil.example/rpc HTTP/1.1\r\n" + host + auth + kind,
            }.items():
                with self.subTest(name):
                    self.assertEqual(world.raw(request + b"\r\n" + WHOAMI).status, 400)

    def test_a_web_socket_of_another_site(self):
        with GatewayWorld() as world:
            upgrade = {"Upgrade": "websocket", "Connection": "Upgrade, close", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                       "Sec-WebSocket-Version": "13", "Origin": "https://evil.example"}
            for path in ("/rpc", "/events", "/"):
                self.assertNotIn(world.ask("GET", path, {**upgrade, **world.bearer()}).status, (101, 200), path)

    def test_a_preflight_is_told_nothing(self):
        with GatewayWorld() as world:
            answer = world.ask("OPTIONS", "/rpc", {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
            self.assertEqual(answer.status, 403)
            for answer in (answer, world.ask("GET", "/healthz", {"Origin": "https://evil.example"}),
                           world.ask("GET", "/ui/", {"Origin": "https://evil.example"})):
                self.assertFalse([name for name in answer.headers if name.startswith("access-control-")])

    def test_bodies_are_bounded(self):
        with GatewayWorld() as world:
            headers = {"Content-Type": "application/json", **world.bearer()}
            self.assertEqual(world.ask("POST", "/rpc", {**headers, "Content-Length": "1048577"}).status, 413)
            chunked = {**headers, "Transfer-Encoding": "chunked"}
            text = "".join(f"{name}: {value}\r\n" for name, value in {"Host": world.host, **chunked}.items())
            body = b"".join(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
            self.assertEqual(world.raw(f"POST /rpc HTTP/1.1\r\n{text}Connection: close\r\n\r\n".encode() + body).status, 413)
            # Who is nobody need not send it.
            self.assertEqual(world.ask("POST", "/rpc", {"Content-Type": "application/json", "Content-Length": "900000"}).status, 401)


class Credentials(unittest.TestCase):
    def test_one_answer_for_all_that_is_wrong(self):
        """D13: the same body and the same class of time; what was rotated or revoked is refused at the next request."""
        with GatewayWorld() as world:
            post = {"Content-Type": "application/json"}
            old = world.new_token("old", "read")
            rotated = world.new_token("rotated", "read")
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer(old)}, WHOAMI).status, 200)
            fresh = world.result("gateway.tokens.rotate", name="rotated")["token"]
            world.result("gateway.tokens.revoke", name="old")
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer(fresh)}, WHOAMI).status, 200)
            wrong = {"none": {}, "wrong": world.bearer("cpg-" + "A" * 43), "a prefix": world.bearer(world.token[:20]),
                     "longer": world.bearer(world.token + "A"), "empty": {"Authorization": "Bearer "}, "revoked": world.bearer(old),
                     "rotated": world.bearer(rotated), "basic": {"Authorization": f"Basic {world.token}"}}
            bodies, medians = set(), {}
            for name, headers in wrong.items():
                times = []
                for _ in range(30):
                    begin = time.perf_counter()
                    answer = world.ask("POST", "/rpc", {**post, **headers}, WHOAMI)
                    times.append(time.perf_counter() - begin)
                    self.assertEqual(answer.status, 401, name)
                    bodies.add((answer.body, tuple(sorted((a, b) for a, b in answer.headers.items() if a not in ("date", "x-request-id")))))
                medians[name] = statistics.median(times)
            self.assertEqual(len(bodies), 1, bodies)
            say("medians in ms: " + ", ".join(f"{name} {value * 1000:.2f}" for name, value in medians.items()))
            main = world.result("gateway.tokens.rotate", name="main")["token"]
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer()}, WHOAMI).status, 401)
            self.assertEqual((world.state / "gateway.token").read_text().strip(), main)
            self.assertEqual((world.state / "gateway.token").stat().st_mode & 0o777, 0o600)

    def test_tokens_are_kept_as_digests(self):
        with GatewayWorld() as world:
            token = world.new_token("ci", "read", "operate")
            file = world.state / "gateway-tokens.json"
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            self.assertNotIn(token, file.read_text())
            self.assertNotIn(token[4:], file.read_text())
            names = {one["name"]: one["scopes"] for one in world.result("gateway.tokens.list")["tokens"]}
            self.assertEqual(names, {"main": ["read", "operate", "admin", "secrets"], "ci": ["read", "operate"]})

    def test_scopes_belong_to_the_credential(self):
        """D14: what a request says of itself is not heard, and nobody hands out what they have not."""
        with GatewayWorld() as world:
            reader = world.bearer(world.new_token("reader", "read"))
            admin = world.bearer(world.new_token("admin", "read", "admin"))
            for headers in (reader, {**reader, "X-Credpool-Scopes": "admin", "X-Scopes": "admin,secrets"}):
                kind, error = world.rpc("gateway.link", headers)
                self.assertEqual((kind, error["code"]), ("error", -32001))
            self.assertEqual(world.rpc("gateway.whoami", reader)[1]["scopes"], ["read"])
            for params in ({"scopes": ["admin"]}, {"role": "admin"}):
                self.assertEqual(world.rpc("gateway.whoami", reader, **params)[0], "error")
            # An admin without `secrets` makes no token with it, and rotates none that has it.
            for method, params in (("gateway.tokens.create", {"name": "more", "scopes": ["read", "secrets"]}),
                                   ("gateway.tokens.rotate", {"name": "main"}), ("gateway.tokens.revoke", {"name": "main"})):
                kind, error = world.rpc(method, admin, **params)
                self.assertEqual((kind, error["data"]["code"]), ("error", "forbidden"), method)
            # Its link opens a session that is no more than it is.
            code = world.rpc("gateway.link", admin)[1]["url"].partition("#code=")[2]
            self.assertEqual(json.loads(world.enter(code).body)["scopes"], ["read", "admin"])

    def test_a_session_makes_no_credentials(self):
        with GatewayWorld() as world:
            session = world.session()
            self.assertEqual(world.rpc("gateway.whoami", session)[1]["scopes"], ["read", "operate", "admin"])
            for method, params in (("gateway.link", {}), ("gateway.tokens.list", {}), ("gateway.tokens.rotate", {"name": "main"}),
                                   ("gateway.tokens.create", {"name": "x", "scopes": ["read"]})):
                kind, error = world.rpc(method, session, **params)
                self.assertEqual((kind, error["data"]["code"]), ("error", "forbidden"), method)

    def test_guessing_becomes_slow(self):
        """D15: five wrong ones from a peer, then 429; others and right ones are not held up."""
        with GatewayWorld() as world:
            peer = world.new_peer()
            post = {"Content-Type": "application/json"}
            statuses = [world.ask("POST", "/rpc", {**post, **world.bearer(f"cpg-guess-{i}")}, WHOAMI, peer).status for i in range(40)]
            self.assertEqual(statuses[:5], [401] * 5)
            self.assertEqual(set(statuses[5:]), {429})
            answer = world.ask("POST", "/rpc", {**post, **world.bearer("cpg-x")}, WHOAMI, peer)
            self.assertIn(int(answer.headers["retry-after"]), range(1, 13))
            self.assertEqual(world.enter("a-guessed-code", peer).status, 429)
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer()}, WHOAMI, peer).status, 200)
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer("cpg-x")}, WHOAMI).status, 401)
            codes = world.new_peer()
            self.assertEqual([world.enter(f"code-{i}", codes).status for i in range(8)], [401] * 5 + [429] * 3)


class Sessions(unittest.TestCase):
    def test_a_link_opens_once(self):
        with GatewayWorld() as world:
            code = world.code()
            answer = world.enter(code)
            self.assertEqual(answer.status, 200)
            cookie = answer.headers["set-cookie"]
            for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
                self.assertIn(part, cookie)
            self.assertNotIn("Secure", cookie)
            self.assertNotIn(cookie.partition("=")[2].partition(";")[0].encode(), answer.body)
            self.assertEqual(world.enter(code).status, 401)
            for headers in ({"Origin": "https://evil.example"}, {"Origin": None}, {"Origin": "null"}):
                self.assertEqual(world.enter(world.code(), **headers).status, 403)
            self.assertEqual(world.enter(world.code(), **{"Content-Type": "text/plain"}).status, 415)
            for body in (b"", b"[]", b'"x"', b'{"code":1}', b'{"code":"a","more":1}', b"\xff"):
                self.assertEqual(world.ask("POST", "/ui/session", {"Content-Type": "application/json", "Origin": f"http://{world.host}"},
                                           body or b" ").status, 401)

    def test_logging_out(self):
        with GatewayWorld() as world:
            session = world.session()
            self.assertEqual(world.ask("DELETE", "/ui/session", {**session, "Origin": "https://evil.example"}).status, 403)
            self.assertEqual(world.ask("DELETE", "/ui/session", {**session, "X-Credpool-Proof": "x"}).status, 401)
            answer = world.ask("DELETE", "/ui/session", session)
            self.assertEqual(answer.status, 204)
            self.assertIn("Max-Age=0", answer.headers["set-cookie"])
            self.assertEqual(world.ask("POST", "/rpc", {"Content-Type": "application/json", **session}, WHOAMI).status, 401)

    def test_another_server_of_the_host_may_have_set_the_cookie_too(self):
        with GatewayWorld() as world:
            session = world.session()
            session["Cookie"] = "theme=dark; credpool_session=tossed; " + session["Cookie"]
            self.assertEqual(world.rpc("gateway.whoami", session)[1]["name"], "session")


class Secrecy(unittest.TestCase):
    def test_headers(self):
        """D8: no frames, no sniffing, nothing kept, whatever is answered."""
        with GatewayWorld() as world:
            post = {"Content-Type": "application/json"}
            for answer in (world.ask("GET", "/ui/"), world.ask("GET", "/ui/app.js"), world.ask("GET", "/ui/nothing"), world.ask("GET", "/healthz"),
                           world.ask("GET", "/", {"Accept": "text/html"}), world.ask("POST", "/rpc", post, WHOAMI), world.ask("GET", "/rpc"),
                           world.ask("POST", "/rpc", {**post, **world.bearer()}, WHOAMI), world.enter(world.code()),
                           world.ask("GET", "/events", world.bearer(), head_only=True), world.ask("GET", "/metrics", world.bearer())):
                self.assertIn("frame-ancestors 'none'", answer.headers["content-security-policy"])
                self.assertNotIn("unsafe", answer.headers["content-security-policy"])
                self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
                self.assertEqual(answer.headers["x-frame-options"], "DENY")
                self.assertEqual(answer.headers["referrer-policy"], "no-referrer")
                self.assertIn(answer.headers["cache-control"], ("no-store", "no-cache"))
            self.assertEqual(world.ask("POST", "/rpc", {**post, **world.bearer()}, WHOAMI).headers["cache-control"], "no-store")

    def test_no_token_is_written_down(self):
        """D5: neither tokens nor codes stand in logs, errors or the place file."""
        with GatewayWorld() as world:
            code, token = world.code(), world.new_token("ci", "read")
            session = world.session()
            world.ask("GET", f"/events?token={world.token}")
            world.ask("GET", f"/v1/models?key={world.token}&code={code}", {"Referer": f"http://{world.host}/ui/#code={code}"})
            world.ask("POST", "/rpc", {"Content-Type": "application/json", **world.bearer()}, b'{"method":"' + token.encode() + b'"')
            world.enter(code)
            said = world.server.said() + (world.state / "gateway.json").read_text()
            for secret in (world.token, token, code, session["Cookie"].partition("=")[2], session["X-Credpool-Proof"]):
                self.assertNotIn(secret[4:], said)
            for path in world.state.iterdir():
                if path.is_file() and path.name not in ("gateway.token", "serve.key"):
                    self.assertNotIn(world.token.encode()[4:], path.read_bytes(), path)
            self.assertEqual(re.findall(r"cpg-\S+", said), [])


if __name__ == "__main__":
    unittest.main()
