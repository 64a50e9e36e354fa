# SPDX-License-Identifier: MIT
"""`credpool serve` before a provider that misbehaves: failover, refresh, who may call, what is logged, how it ends."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import stat
import time
import unittest

from proxy_world import (ANTHROPIC_KEY, MODELS, OPENAI_KEYS, PROMPT, ProxyWorld, Serve, chat, messages, say)
from refresh_world import RefreshWorld

LIMITED = {"kind": "status", "status": 429, "headers": {"retry-after": "60"}}


def attempts(headers) -> int:
    return int(headers["x-credpool-attempts"])


def first_byte(world, url: str, key: str) -> tuple[float, int]:
    """(seconds to the first byte of a stream's body, attempts) of one streamed request."""
    connection = http.client.HTTPConnection(url.split("//")[1], timeout=30)
    with contextlib.closing(connection):
        connection.connect()
        begin = time.monotonic()
        connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True)), world.headers(Authorization=f"Bearer {key}"))
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        answer.read(1)
        passed = time.monotonic() - begin
        answer.read()
        return passed, int(answer.headers["x-credpool-attempts"] or 0)


class Failover(unittest.TestCase):
    def test_a_limited_key_costs_one_try_and_then_rests(self):
        with ProxyWorld() as world:
            world.fake.rules(first=LIMITED)
            status, headers, body = world.post()
            self.assertEqual((status, attempts(headers)), (200, 2), body)
            first, second = [entry["key"] for entry in world.fake.requests()]
            self.assertEqual({first, second}, set(OPENAI_KEYS))
            good = headers["x-credpool-credential"]
            for _ in range(4):
                status, headers, _ = world.post()
                self.assertEqual((status, attempts(headers), headers["x-credpool-credential"]), (200, 1, good))
            self.assertEqual([entry["key"] for entry in world.fake.requests()[2:]], [second] * 4)
            self.assertNotIn("canary", good)

    def test_time_to_the_first_byte_of_a_stream_with_one_key_limited(self):
        with ProxyWorld() as world:
            first_byte(world, world.url, world.key)  # connections are made
            limited = {"kind": "status", "status": 429, "headers": {"retry-after": "1"}}
            moved, straight = [], []
            world.fake.rules_by_key({OPENAI_KEYS[0]: limited})
            for _ in range(4):
                straight.append(first_byte(world, world.fake.url, OPENAI_KEYS[1])[0])
                for _ in range(3):
                    passed, tries = first_byte(world, world.url, world.key)
                    if tries == 2:
                        moved.append(passed)
                        break
                time.sleep(1.2)
            self.assertGreaterEqual(len(moved), 3, "the key never came back after its second")
            extra = sorted(moved)[len(moved) // 2] - sorted(straight)[len(straight) // 2]
            say(f"first byte after one 429: {extra * 1000:.1f} ms more than straight from the good key (goal 50)")
            self.assertLess(extra, 1)

    def test_the_classes_that_move_and_those_that_do_not(self):
        for status, moves in ((429, True), (500, True), (503, True), (529, True), (401, True),
                              (400, False), (404, False), (413, False), (422, False)):
            with self.subTest(status=status), ProxyWorld() as world:
                world.fake.rules(first={"kind": "status", "status": status})
                got, headers, body = world.post()
                self.assertEqual((got, attempts(headers)), (200, 2) if moves else (status, 1), body)
                self.assertEqual(len(world.fake.requests()), attempts(headers))

    def test_a_key_without_money_is_not_asked_again(self):
        with ProxyWorld() as world:
            world.fake.rules(first={"kind": "status", "status": 402})
            world.post()
            poor = world.fake.requests()[0]["key"]
            for _ in range(4):
                self.assertEqual(world.post()[0], 200)
            self.assertEqual([entry["key"] for entry in world.fake.requests()].count(poor), 1)

    def test_all_spent_says_when_the_first_comes_back(self):
        with ProxyWorld() as world:
            world.fake.rules_by_key({key: {"kind": "status", "status": 429, "headers": {"retry-after": wait}}
                                     for wait, key in zip(("90", "30"), OPENAI_KEYS)})
            for upstream in (2, 2):  # the second time nobody is asked
                status, headers, body = world.post()
                self.assertEqual(status, 429)
                self.assertTrue(20 <= int(headers["retry-after"]) <= 31, headers["retry-after"])
                self.assertIn("error", json.loads(body))
                self.assertEqual(len(world.fake.requests()), upstream)
            status, headers, _ = world.post("/v1/messages", messages())
            self.assertEqual(status, 200)  # another provider's credential is not concerned

    def test_the_last_error_is_the_providers_own(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "status", "status": 529})
            status, headers, body = world.post("/v1/messages", messages())
            self.assertEqual((status, json.loads(body)["error"]["type"]), (529, "overloaded_error"))
            self.assertEqual(attempts(headers), 1)

    def test_an_error_that_begins_a_stream_moves_it(self):
        with ProxyWorld() as world:
            world.fake.rules(first={"kind": "error_event", "after": 0})
            status, headers, body = world.post(body=chat(stream=True))
            self.assertEqual((status, attempts(headers)), (200, 2), body)
            self.assertNotIn(b'"error"', body)
            self.assertTrue(body.endswith(b"data: [DONE]\n\n"), body)


class Refresh(unittest.TestCase):
    """E1: a login whose token the provider does not take any more."""

    @contextlib.contextmanager
    def world(self):
        with RefreshWorld() as logins, ProxyWorld(chain=()) as world:
            login = logins.seed("kimi-cli", left=800)
            serve = Serve(world.fake.url, world.root, environment=logins.environment(), home=logins.home, settings={
                "baseUrls": {"kimi-code": f"{world.fake.url}/v1"}, "models": {"kimi-code": ["gpt-fake"]},
                "ownership": {"kimi-cli": "co_own"}}, arguments=("--allow", "kimi-code"))
            world.stack.callback(serve.close)
            world.proxy, world.url, world.key = serve, serve.url, serve.key
            yield world, logins, login

    def test_one_refresh_and_one_replay(self):
        with self.world() as (world, logins, login):
            self.assertEqual(world.post()[0], 200)
            world.fake.rules_by_key({login.first.access: {"kind": "status", "status": 401}})
            status, headers, body = world.post()
            self.assertEqual((status, attempts(headers)), (200, 2), body)
            keys = [entry["key"] for entry in world.fake.requests()]
            self.assertEqual(keys, [login.first.access] * 2 + [logins.stored("kimi-cli").access])
            self.assertNotEqual(keys[1], keys[2])
            family = logins.family("kimi-cli")
            self.assertEqual((family["spends"], family["reuse"]), (1, 0))
            self.assertTrue(logins.holds_live_token("kimi-cli"))
            self.assertEqual(attempts(world.post()[1]), 1)

    def test_many_at_once_refresh_once(self):
        with self.world() as (world, logins, login):
            world.fake.rules_by_key({login.first.access: {"kind": "status", "status": 401}})
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda _: world.post()[0], range(16)))
            self.assertEqual(answers, [200] * 16)
            self.assertEqual((logins.family("kimi-cli")["spends"], logins.family("kimi-cli")["reuse"]), (1, 0))
            keys = [entry["key"] for entry in world.fake.requests()]
            self.assertEqual(keys.count(logins.stored("kimi-cli").access), 16)

    def test_a_new_token_that_does_not_help_is_not_refreshed_again(self):
        with self.world() as (world, logins, _):
            world.fake.rules(any_key={"kind": "status", "status": 401})
            for _ in range(3):
                self.assertIn(world.post()[0], (401, 502, 503))
            self.assertLessEqual(logins.family("kimi-cli")["spends"], 1)
            self.assertLessEqual(len(world.fake.requests()), 4)


class Callers(unittest.TestCase):
    def ask(self, world, path="/v1/chat/completions", body=None, **headers):
        connection = world.connect()
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body or chat()), {"Content-Type": "application/json", **{
                name.replace("_", "-"): value for name, value in headers.items()}})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def test_only_the_whole_key_opens(self):
        with ProxyWorld() as world:
            key = world.key
            self.assertGreaterEqual(len(key), 32)
            self.assertEqual(stat.S_IMODE(os.stat(world.proxy.key_file).st_mode), 0o600)
            for name, value in (("Authorization", f"Bearer {key}"), ("Authorization", f"bearer {key}"), ("x-api-key", key)):
                self.assertEqual(self.ask(world, **{name: value})[0], 200, name)
            served = len(world.fake.requests())
            bodies = set()
            for value in ("", "wrong", key[:-1], f"{key}x", key.swapcase() + "1", OPENAI_KEYS[0], "x" * 5000):
                for headers in ({"Authorization": f"Bearer {value}"}, {"x-api-key": value}, {"Authorization": f"Basic {value}"}):
                    status, _, body = self.ask(world, **headers)
                    self.assertEqual(status, 401, (value[:10], body))
                    bodies.add(json.loads(body)["error"]["message"])
            self.assertEqual(self.ask(world)[0], 401)
            self.assertEqual(self.ask(world, path=f"/v1/chat/completions?key={key}&api_key={key}")[0], 401)
            self.assertEqual(len(bodies), 1, bodies)
            self.assertEqual(len(world.fake.requests()), served, "a stranger's request was passed on")

    def test_a_stranger_is_told_in_the_dialect_he_speaks(self):
        with ProxyWorld() as world:
            status, _, body = self.ask(world, Authorization="Bearer wrong")
            error = json.loads(body)["error"]
            self.assertEqual((status, error["code"]), (401, "invalid_api_key"))
            status, _, body = self.ask(world, "/v1/messages", messages(), x_api_key="wrong", anthropic_version="2023-06-01")
            document = json.loads(body)
            self.assertEqual((status, document["type"], document["error"]["type"]), (401, "error", "authentication_error"))

    def test_the_key_stays_from_start_to_start(self):
        with ProxyWorld(chain=()) as world:
            first = Serve(world.fake.url, world.root)
            self.assertEqual(first.close(), 0)
            second = Serve(world.fake.url, world.root)
            second.close()
            self.assertEqual(first.key, second.key)
            self.assertNotIn(first.key, second.said())

    def test_a_model_that_nobody_has(self):
        with ProxyWorld() as world:
            for path, body, models, kind in (
                    ("/v1/chat/completions", chat(model="gpt-nobody-has"), MODELS["openai"], None),
                    ("/v1/messages", messages(model="claude-nobody-has"), MODELS["anthropic"], "not_found_error")):
                status, _, text = world.post(path, body)
                error = json.loads(text)["error"]
                self.assertEqual(status, 404, text)
                self.assertIn(body["model"], error["message"])
                self.assertIn(models[0], error["message"])
                if kind:
                    self.assertEqual(error["type"], kind)
                else:
                    self.assertEqual(error["code"], "model_not_found")
            self.assertEqual(world.fake.requests(), [])

    def test_a_body_that_is_no_request(self):
        with ProxyWorld() as world:
            for body in (b"", b"{", b"[]", b"null", b'{"messages":[]}', b'{"model":5}', b'{"model":""}', b"\xff\xfe{}",
                         b'{"model":"gpt-fake"', b"[" * 100000, b'{"a":' * 100000, b'{"model":"gpt\\u0000fake"}'):
                status, _, text = world.post(body=body)
                self.assertIn(status, (400, 404), (body[:20], text))
                self.assertIn("message", json.loads(text)["error"])
            self.assertEqual(world.post()[0], 200)

    def test_paths_and_methods_that_are_not_there(self):
        with ProxyWorld() as world:
            for path in ("/", "/v1", "/v1/chat", "/v1/chat/completions/x", "/v1/files", "//v1/chat/completions", "/v1/../v1/models/..",
                         "/%76%31/unknown"):
                self.assertIn(world.post(path)[0], (400, 404, 405), path)
            connection = world.connect()
            with contextlib.closing(connection):
                connection.request("DELETE", "/v1/models", headers=world.headers())
                self.assertIn(connection.getresponse().status, (404, 405))

    def test_a_session_stays_with_its_credential(self):
        with ProxyWorld(settings={"affinity": {"mode": "soft"}}) as world:
            for number in range(6):
                with self.subTest(session=number):
                    ids = {world.post(x_session_id=f"session-{number}")[1]["x-credpool-credential"] for _ in range(5)}
                    self.assertEqual(len(ids), 1)


class Log(unittest.TestCase):
    def test_one_line_for_each_request_and_no_secret_anywhere(self):
        with ProxyWorld() as world:
            for path, body, more in (
                    ("/v1/chat/completions", chat(), {}), ("/v1/chat/completions", chat(stream=True), {}),
                    ("/v1/messages", messages(), {}), ("/v1/chat/completions?api_key=canary-in-the-target", chat(), {}),
                    ("/v1/chat/completions", b"{canary-body", {}), ("/v1/nothing-here", chat(), {}),
                    ("/v1/chat/completions", chat(), {"Authorization": "Bearer canary-wrong-key"}),
                    ("/v1/chat/completions", chat(), {"Cookie": "canary-cookie=1"}),
                    ("/v1/chat/completions", chat(model="canary-model\n{\"status\":1}"), {})):
                world.post(path, body, **more)
            world.fake.rules(any_key={"kind": "status", "status": 400, "error": "canary-error-text"})
            world.post()
            world.fake.rules(any_key={"kind": "die", "after": 2})
            world.post(body=chat(stream=True))
            until = time.monotonic() + 5
            while len(world.proxy.log_lines()) < 11 and time.monotonic() < until:
                time.sleep(0.05)
            lines = world.proxy.log_lines()
            self.assertEqual(len(lines), 11, world.proxy.said())
            self.assertEqual(len({line["requestId"] for line in lines}), 11)
            world.proxy.close()
            said = world.proxy.said()
            for secret in (*OPENAI_KEYS, ANTHROPIC_KEY, PROMPT, world.key, "canary-in-the-target", "canary-body", "canary-wrong-key",
                           "canary-cookie", "canary-error-text", "Hello from the fake"):
                self.assertNotIn(secret, said)
            for file in world.proxy.home.rglob("*"):
                if file.is_file() and "config.json5" not in file.name:
                    for secret in (*OPENAI_KEYS, ANTHROPIC_KEY, PROMPT):
                        self.assertNotIn(secret.encode(), file.read_bytes(), file)


    def test_the_time_to_the_first_byte_and_to_the_end(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "ok", "events": 4, "interval_ms": 100})
            world.post(body=chat(stream=True))
            world.post()
            until = time.monotonic() + 5
            while len(world.proxy.log_lines()) < 2 and time.monotonic() < until:
                time.sleep(0.05)
            stream, whole = world.proxy.log_lines()
            self.assertGreater(stream["totalMs"] - stream["firstByteMs"], 200, stream)
            self.assertGreater(stream["firstByteMs"], 0, stream)
            self.assertGreater(whole["firstByteMs"], 0, whole)
            self.assertGreaterEqual(whole["totalMs"], whole["firstByteMs"], whole)


class Listening(unittest.TestCase):
    def test_a_stream_ends_properly_when_the_server_is_told_to_stop(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "ok", "events": 30, "interval_ms": 50})
            idle = world.connect()
            idle.connect()
            connection = world.connect()
            connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True)), world.headers())
            answer = connection.getresponse()
            begin = answer.read(20)
            world.proxy.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", world.proxy.port), timeout=2).close()
            rest = answer.read()
            self.assertTrue(rest.endswith(b"data: [DONE]\n\n"), rest[-100:])
            sent = world.fake.requests()[0]["sent_sha256"]
            self.assertEqual(hashlib.sha256(begin + rest).hexdigest(), sent)
            self.assertEqual(world.proxy.process.wait(timeout=10), 0)
            connection.close()
            idle.close()

    def test_without_work_it_stops_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with ProxyWorld() as world:
                idle = world.connect()
                self.assertEqual(world.post(connection=idle)[0], 200)
                begin = time.monotonic()
                world.proxy.process.send_signal(number)
                self.assertEqual(world.proxy.process.wait(timeout=10), 0)
                self.assertLess(time.monotonic() - begin, 2)
                idle.close()

    def test_a_unix_socket(self):
        with ProxyWorld(chain=()) as world:
            serve = Serve(world.fake.url, world.root, unix=True)
            world.stack.callback(serve.close)
            until = time.monotonic() + 15
            while not serve.socket.exists() or not serve.key_file.exists():
                self.assertIsNone(serve.process.poll(), serve.said())
                self.assertLess(time.monotonic(), until, serve.said())
                time.sleep(0.02)
            self.assertEqual(stat.S_IMODE(serve.socket.stat().st_mode) & 0o077, 0)
            text = json.dumps(chat()).encode()
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(serve.socket))
                client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                               b"Authorization: Bearer " + serve.key_file.read_bytes().strip() +
                               b"\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
                answer = b""
                while part := client.recv(65536):
                    answer += part
            self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
            self.assertIn(b"Hello from the fake provider", answer)
            self.assertEqual(serve.close(), 0)
            self.assertFalse(serve.socket.exists(), "the socket's file stays behind")

    def test_a_port_that_is_taken_is_a_clear_error(self):
        with ProxyWorld(chain=()) as world, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaises(AssertionError) as failure:
                Serve(world.fake.url, world.root, listen=f"127.0.0.1:{port}")
            self.assertIn(str(port), str(failure.exception))

    def test_an_open_server_stays_on_this_machine(self):
        with ProxyWorld(chain=()) as world:
            with self.assertRaises(AssertionError) as failure:
                world.stack.callback(Serve(world.fake.url, world.root, listen="0.0.0.0:0").close)
            self.assertIn("loopback", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
