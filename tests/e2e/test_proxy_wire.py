# SPDX-License-Identifier: MIT
"""What goes over the wire through `credpool serve`: streams byte for byte, ends, headers, upstreams that fail or lie."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import socket
import subprocess
import tempfile
import time
import unittest

from proxy_world import ANTHROPIC_KEY, OPENAI_KEYS, PEERS, ProxyWorld, chat, memory_kib, messages, say

MEGABYTE = 1 << 20
BOTH = (("/v1/chat/completions", chat), ("/v1/messages", messages))


def raw_request(world, body: dict, path: str = "/v1/chat/completions") -> bytes:
    text = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


def open_stream(world, body: dict, receive_buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(20)
    client.connect(("127.0.0.1", int(world.url.rsplit(":", 1)[1])))
    client.sendall(raw_request(world, body))
    return client


class Streams(unittest.TestCase):
    def test_every_byte_arrives_and_at_once(self):
        with ProxyWorld() as world:
            for path, body in (*BOTH, ("/v1/responses", lambda stream: {"model": "gpt-fake", "input": "x", "stream": stream})):
                with self.subTest(path=path):
                    world.fake.reset()
                    world.fake.rules(any_key={"kind": "ok", "events": 5, "interval_ms": 150})
                    connection = world.connect()
                    with contextlib.closing(connection):
                        connection.request("POST", path, json.dumps(body(stream=True)), world.headers())
                        answer = connection.getresponse()
                        self.assertTrue(answer.headers["content-type"].startswith("text/event-stream"))
                        parts, times = [], []
                        while part := answer.read1(65536):
                            parts.append(part)
                            times.append(time.monotonic())
                    record = world.fake.wait(lambda seen: seen[0]["ended"])[0]
                    self.assertEqual(hashlib.sha256(b"".join(parts)).hexdigest(), record["sent_sha256"])
                    self.assertGreaterEqual(len(parts), 5, "the events were collected, not passed on")
                    self.assertGreater(times[-1] - times[0], 0.6)

    def test_a_body_goes_on_unchanged(self):
        with ProxyWorld() as world:
            for size in (0, 100, 70000, 3 * MEGABYTE, 10 * MEGABYTE):
                text = json.dumps(chat(filler="\u00e9\\\"x" * (size // 8)), ensure_ascii=False).encode()
                self.assertEqual(world.post(body=text)[0], 200)
                record = world.fake.requests()[-1]
                self.assertEqual((record["body_bytes"], record["body_sha256"]), (len(text), hashlib.sha256(text).hexdigest()))
            # The model is wherever it is, and only the outermost counts.
            for text in (b'{"messages":[{"model":"claude-fake"}],"model":"gpt-fake"}', b' \n{ "x" : "\\"model\\":\\"no\\"" , "model" : "gpt-fake" }\n',
                         b'{"mod\\u0065l":"gpt-fake"}'):
                status, _, body = world.post(body=text)
                self.assertEqual(status, 200, (text, body))
                self.assertEqual(world.fake.requests()[-1]["body_sha256"], hashlib.sha256(text).hexdigest())

    def test_a_chunked_request_body_goes_on(self):
        with ProxyWorld() as world:
            text = json.dumps(chat(filler="y" * 100000)).encode()
            connection = world.connect()
            with contextlib.closing(connection):
                connection.request("POST", "/v1/chat/completions", (text[at:at + 9000] for at in range(0, len(text), 9000)),
                                   world.headers(), encode_chunked=True)
                self.assertEqual(connection.getresponse().status, 200)
            self.assertEqual(world.fake.requests()[0]["body_sha256"], hashlib.sha256(text).hexdigest())

    def test_a_client_that_reads_nothing_costs_no_memory(self):
        with ProxyWorld() as world:
            world.post()
            world.fake.rules(any_key={"kind": "flood", "bytes": 200 * MEGABYTE})
            before = memory_kib(world.proxy.pid)
            client = open_stream(world, chat(stream=True), receive_buffer=4096)
            time.sleep(3)
            record = world.fake.requests()[-1]
            grown = memory_kib(world.proxy.pid) - before
            say(f"200 MB for a client that reads nothing: {record['written'] / MEGABYTE:.1f} MB written, "
                f"{grown} KiB more memory")
            self.assertLess(record["written"], 60 * MEGABYTE, "the proxy takes what it cannot pass on")
            self.assertLess(grown, 6 * 1024)
            client.close()
            world.fake.wait(lambda seen: seen[-1]["gone"])
            self.assertEqual(world.post(body=chat())[0], 200)

    def test_a_client_that_reads_gets_all_of_it(self):
        with ProxyWorld() as world:
            world.post()
            world.fake.rules(any_key={"kind": "flood", "bytes": 100 * MEGABYTE})
            connection = world.connect()
            with contextlib.closing(connection):
                connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True)), world.headers())
                answer, total, ending = connection.getresponse(), 0, b""
                while part := answer.read1(MEGABYTE):
                    total, ending = total + len(part), (ending + part)[-20:]
            self.assertTrue(ending.endswith(b"data: [DONE]\n\n"))
            self.assertEqual(total - len(b"data: [DONE]\n\n"), world.fake.requests()[-1]["written"])
            self.assertLess(memory_kib(world.proxy.pid, "VmHWM"), 64 * 1024)

    def test_the_upstream_stops_when_the_client_leaves(self):
        with ProxyWorld() as world:
            # Nothing is written for a long time: only a proxy that watches its client sees it.
            for rule in ({"kind": "stall", "after": 1, "ms": 20000}, {"kind": "stall_head", "ms": 20000}):
                latencies = []
                world.fake.rules(any_key=rule)
                for _ in range(5):
                    world.fake.ask("/reset", {})
                    world.fake.rules(any_key=rule)
                    client = open_stream(world, chat(stream=True))
                    if rule["kind"] == "stall":
                        while b"data: " not in client.recv(65536):
                            pass
                    world.fake.wait(lambda seen: len(seen) == 1 and seen[0]["body_bytes"])
                    left = time.monotonic_ns()
                    client.close()
                    gone = world.fake.wait(lambda seen: seen[0]["gone"])[0]["gone"]
                    latencies.append((gone - left) / 1e6)
                say(f"upstream told after the client left, {rule['kind']}: median {sorted(latencies)[2]:.1f} ms, "
                    f"worst {max(latencies):.1f} ms (goal 20)")
                self.assertLess(sorted(latencies)[2], 1000)
            world.fake.rules()
            self.assertEqual(world.post()[0], 200)

    def test_many_at_once(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "ok", "events": 20, "interval_ms": 5})

            def ask(number: int) -> bytes:
                path, body = BOTH[number % 2]
                return world.post(path, body(stream=number % 3 != 0))[2]

            with concurrent.futures.ThreadPoolExecutor(48) as pool:
                answers = list(pool.map(ask, range(300)))
            self.assertEqual(len(world.fake.requests()), 300)
            for number, answer in enumerate(answers):
                if number % 3 == 0:
                    self.assertIn("usage", json.loads(answer))
                else:
                    self.assertTrue(answer.endswith((b"data: [DONE]\n\n", b'"type":"message_stop"}\n\n')), answer[-60:])
            self.assertLess(world.fake.ask("/connections")["made"], 150, "connections are not kept")


class Deaths(unittest.TestCase):
    """E3 and E4: an upstream that goes away."""

    def test_in_the_middle_of_a_stream(self):
        for reset in (False, True):
            for path, body in BOTH:
                with self.subTest(path=path, reset=reset), ProxyWorld() as world:
                    world.fake.rules(any_key={"kind": "die", "after": 4, "reset": reset})
                    status, headers, text = world.post(path, body(stream=True))
                    self.assertEqual((status, headers["x-credpool-attempts"]), (200, "1"))
                    record = world.fake.requests()
                    self.assertEqual(len(record), 1, "a stream that had begun was asked for again")
                    whole, event = text[:record[0]["written"]], text[record[0]["written"]:]
                    self.assertEqual(hashlib.sha256(whole).hexdigest(), record[0]["sent_sha256"])
                    data = [line[6:] for line in event.decode().splitlines() if line.startswith("data: ")]
                    self.assertEqual(len(data), 1, event)
                    error = json.loads(data[0])
                    self.assertIn("message", error["error"])
                    if path.endswith("messages"):
                        self.assertEqual(error["type"], "error")
                        self.assertTrue(event.startswith(b"event: error\n"), event)
                    self.assertTrue(event.endswith(b"\n\n"))
                    self.assertNotIn(b"[DONE]", event)
                    say(f"served again {world.wait_until_served(path, body()):.1f} s after a stream was cut")

    def test_in_the_middle_of_an_event(self):
        with ProxyWorld() as world:
            cut = ('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
                   '16\r\ndata: {"choices":[]}\n\n\r\n12\r\ndata: {"choices":[\r\n')
            world.fake.rules(any_key={"kind": "raw", "text": cut})
            _, _, text = world.post(body=chat(stream=True))
            events = text.split(b"\n\n")
            self.assertEqual(events[0], b'data: {"choices":[]}')
            last = [event for event in events if event][-1].split(b"data: ")[-1]
            self.assertIn("message", json.loads(last)["error"], text)  # not glued to the half event
            self.assertEqual(len(world.fake.requests()), 1)

    def test_after_the_request_was_sent_nothing_is_sent_again(self):
        for rule in ({"kind": "hang_up"}, {"kind": "raw", "shape": "nothing"}, {"kind": "raw", "shape": "garbage"}):
            with self.subTest(rule=rule), ProxyWorld() as world:
                world.fake.rules(any_key=rule)
                status, headers, body = world.post()
                self.assertEqual(status, 502, body)
                self.assertIn("message", json.loads(body)["error"])
                self.assertEqual(len(world.fake.requests()), 1)
                world.fake.rules()
                world.wait_until_served()

    def test_a_kept_connection_that_was_closed_meanwhile(self):
        with ProxyWorld() as world:
            for _ in range(20):
                self.assertEqual(world.post()[0], 200)
                self.assertGreaterEqual(world.fake.ask("/hang_up", {})["closed"], 1)
                status, _, body = world.post()
                self.assertEqual(status, 200, body)
            self.assertEqual(len(world.fake.requests()), 40)

    def test_nobody_there(self):
        with ProxyWorld() as world:
            self.assertEqual(world.post()[0], 200)
            world.fake.ask("/refuse", {})
            status, _, body = world.post()
            self.assertIn(status, (502, 503), body)
            self.assertIn("message", json.loads(body)["error"])
            world.fake.ask("/listen", {})
            world.wait_until_served()
            self.assertEqual(len(world.fake.requests()), 2)

    def test_a_body_that_is_too_short(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "raw", "shape": "short_body"})
            try:
                status, _, _ = world.post()
                self.assertEqual(status, 502)
            except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionResetError):
                pass  # the head was on its way: the client must see that the rest is missing
            self.assertEqual(len(world.fake.requests()), 1)


class Lies(unittest.TestCase):
    """D12 and its like: an upstream that does not speak HTTP."""

    def test_malformed_answers(self):
        with ProxyWorld() as world:
            self.assertEqual(world.post()[0], 200)
            before = memory_kib(world.proxy.pid)
            for shape in ("bad_chunk", "chunk_overflow", "both_lengths", "two_lengths", "negative_length", "two_status_lines", "header_bomb",
                          "split_header", "endless_head_line", "garbage"):
                with self.subTest(shape=shape):
                    world.fake.rules(any_key={"kind": "raw", "shape": shape})
                    with socket.create_connection(("127.0.0.1", world.proxy.port), timeout=15) as client:
                        client.sendall(raw_request(world, chat()).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                        answer = b""
                        while part := client.recv(65536):
                            answer += part
                    head = answer.split(b"\r\n\r\n")[0].lower()
                    self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer[:300])
                    self.assertNotIn(b"set-cookie: stolen", head)
                    self.assertFalse(b"content-length" in head and b"transfer-encoding" in head, head)
                    self.assertNotIn(b"\0", head)
                    if shape not in ("bad_chunk", "chunk_overflow"):  # their heads were good
                        self.assertIn(answer.split()[1], (b"502",), answer[:300])
                    else:
                        self.assertFalse(answer.split()[1] == b"200" and answer.endswith(b"\r\n0\r\n\r\n"), "a broken body looks whole")
                    self.assertIsNone(world.proxy.process.poll())
                    world.fake.rules()
                    world.wait_until_served()
            self.assertLess(memory_kib(world.proxy.pid) - before, 8 * 1024)

    def test_a_redirect_is_not_followed(self):
        with ProxyWorld() as world:
            for status in (301, 302, 307, 308):
                world.fake.reset()
                world.fake.rules(any_key={"kind": "status", "status": status, "headers": {"location": f"{world.fake.url}/v1/elsewhere"}})
                got, headers, _ = world.post()
                self.assertIn(got, (502, status))
                self.assertNotIn(world.fake.url, headers.get("location", ""))
                self.assertEqual(len(world.fake.requests()), 1)

    def test_an_upstream_whose_certificate_nobody_signed(self):
        with tempfile.TemporaryDirectory() as folder:
            self.not_trusted(folder)

    def not_trusted(self, folder: str) -> None:
        subprocess.run([PEERS / "throwaway_ca.sh", folder], check=True)  # another authority
        trusting = {"OPENAI_API_KEYS": ",".join(OPENAI_KEYS), "SSL_CERT_FILE": f"{folder}/ca.pem"}
        with ProxyWorld(tls=True, environment=trusting) as world:
            status, _, body = world.post()
            self.assertIn(status, (502, 503), body)
            self.assertEqual(world.fake.requests(), [])

    def test_a_tls_upstream_keeps_its_connections(self):
        with ProxyWorld(tls=True) as world:
            for _ in range(20):
                self.assertEqual(world.post()[0], 200)
            self.assertLessEqual(world.fake.ask("/connections")["made"], 3)


class Headers(unittest.TestCase):
    """D18: what is the caller's stays here, what is the pool's is never seen."""

    def test_only_what_belongs_there_goes_on(self):
        with ProxyWorld() as world:
            for path, body in BOTH:
                for key in ({"Authorization": f"Bearer {world.key}"}, {"Authorization": None, "x_api_key": world.key}):
                    world.fake.reset()
                    status, headers, _ = world.post(path, body(), Cookie="session=canary-cookie", Connection="keep-alive, X-Hop", X_Hop="canary-hop",
                                                    Keep_Alive="timeout=5", Proxy_Authorization="Basic canary", TE="trailers", Proxy_Connection="keep-alive",
                                                    Upgrade="h2c", x_session_id="canary-session", **key)
                    self.assertEqual(status, 200)
                    record = world.fake.requests()[0]
                    names = [name.lower() for name in record["headers"][0::2]]
                    values = dict(zip(names, record["headers"][1::2]))
                    for gone in ("cookie", "x-hop", "keep-alive", "proxy-authorization", "te", "proxy-connection", "upgrade"):
                        self.assertNotIn(gone, names, path)
                    self.assertEqual(len(names), len(set(names)), names)
                    self.assertNotIn(world.key, " ".join(record["headers"]))
                    self.assertIn(values["host"], world.fake.url)
                    self.assertIn("credpool", values["user-agent"])
                    self.assertIn(record["key"], [*OPENAI_KEYS, ANTHROPIC_KEY])
                    if path.endswith("messages"):
                        self.assertEqual((values["x-api-key"], "authorization" in names), (ANTHROPIC_KEY, False))
                        self.assertIn("anthropic-version", names)
                    else:
                        self.assertEqual(("x-api-key" in names, values["authorization"]), (False, f"Bearer {record['key']}"))
                    self.assertEqual(headers["x-ratelimit-remaining-requests"], "499")
                    self.assertEqual(len(headers.get_all("x-request-id")), 1)

    def test_no_pool_key_in_an_answer(self):
        with ProxyWorld() as world:
            for status in (400, 401, 403, 404, 429, 500):
                for path, body in BOTH:
                    world.fake.rules_by_key({key: {"kind": "status", "status": status, "error": f"Incorrect API key provided: {key}."} for key in (*OPENAI_KEYS, ANTHROPIC_KEY)})
                    got, headers, text = world.post(path, body())
                    self.assertGreaterEqual(got, 400)
                    for key in (*OPENAI_KEYS, ANTHROPIC_KEY):
                        self.assertNotIn(key, str(headers))
                        self.assertNotIn(key.encode(), text, status)

    def test_a_limits_own_headers_are_passed(self):
        with ProxyWorld() as world:
            world.fake.rules(any_key={"kind": "status", "status": 429, "headers": {
                "retry-after": "17", "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z"}})
            status, headers, body = world.post("/v1/messages", messages())
            self.assertEqual((status, headers["anthropic-ratelimit-requests-limit"]), (429, "50"))
            self.assertTrue(15 <= int(headers["retry-after"]) <= 17, headers["retry-after"])
            self.assertEqual(json.loads(body)["error"]["type"], "rate_limit_error")

    def test_each_answer_has_its_own_id(self):
        with ProxyWorld() as world:
            ids = [world.post()[1]["x-request-id"] for _ in range(20)]
            self.assertEqual(len(set(ids)), 20)


if __name__ == "__main__":
    unittest.main()
