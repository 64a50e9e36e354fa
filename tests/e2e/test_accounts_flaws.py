# SPDX-License-Identifier: MIT
"""Flaws that another server of accounts has, shown absent in ours where only a whole server can show it."""
import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from accounts_world import A_REQUEST, AccountsWorld
from played_stripe import PlayedStripe
from proxy_world import chat, program

# No answer and no log line may repeat it.
CANARY = "canary-that-nobody-repeats"
HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {}\r\n\r\n"


class Ours(unittest.TestCase):
    def stream(self, world, key: str, **more):
        """A request whose answer is not read yet: (connection, answer)."""
        connection = http.client.HTTPConnection("127.0.0.1", world.serve.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True, **more)),
                           {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        return connection, connection.getresponse()

    def raw(self, world, head: str, *body: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", world.serve.port), timeout=20) as peer:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall((head + "\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n").encode())
                for part in body:
                    peer.sendall(part)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := peer.recv(65536):
                    answer += part
            return answer

    def wait_for_usage(self, world) -> float:
        until = time.monotonic() + 10
        while world.balance()["total_usage"] == 0 and time.monotonic() < until:
            time.sleep(0.05)
        return world.balance()["total_usage"]

    def test_s4_no_file_holds_a_key_or_a_password(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()
            rotated = world.data("POST", f"/keys/{key['hash']}/rotate", {})["key"]
            renewed = world.data("POST", "/auth/rotate")["management_key"]
            secrets = [key["key"], rotated, world.management, renewed, "Secret123"]
            state = next((world.root / "host-0").rglob("accounts.sqlite")).parent
            files = [path for path in state.rglob("*") if path.is_file()]
            self.assertIn("accounts.sqlite", [path.name for path in files])
            for path in files:
                for secret in secrets:
                    self.assertNotIn(secret.removeprefix("sk-mgmt-").removeprefix("sk-prov-").encode(), path.read_bytes(), path)

    def test_s7_neither_bodies_nor_addresses_are_repeated(self):
        with AccountsWorld() as world:
            world.buy(100)
            key = world.new_key()["key"]
            broken = {"/v1/chat/completions": key, "/keys": world.management, "/auth/login": None, "/credits/purchase": world.management}
            for path, sender in broken.items():
                for body in (f'{{"model":"{CANARY}', f'{{"{CANARY}":}}', CANARY):
                    connection = http.client.HTTPConnection("127.0.0.1", world.serve.port, timeout=20)
                    with contextlib.closing(connection):
                        connection.request("POST", path, body, {"Authorization": f"Bearer {sender}", "Content-Type": "application/json"})
                        answer = connection.getresponse()
                        self.assertEqual(answer.status, 400, path)
                        self.assertNotIn(CANARY, answer.read().decode())
            self.assertNotIn(CANARY, world.serve.said())
            upstream = world.fake.addresses["http"].removeprefix("http://")
            world.fake.ask("/refuse", {})
            for stream in (False, True):
                status, headers, body = world.ask("POST", "/v1/chat/completions", chat(stream=stream), key)
                self.assertIn(status, (502, 503))
                for part in (upstream, upstream.split(":")[1], "127.0.0.1", "rror 111", "errno"):
                    self.assertNotIn(part, body.decode() + str(headers))
            world.fake.ask("/listen", {})
            self.assertEqual(world.balance()["total_usage"], 0)

    def test_s8_it_listens_on_this_machine_only(self):
        # The port may be taken by somebody else: either way it says what it wanted.
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as said:
            server = subprocess.Popen([*program(), "serve"], env={"HOME": home, "PATH": os.environ["PATH"]}, cwd=home,
                                      stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True)
            try:
                until, text = time.monotonic() + 20, ""
                while "8484" not in text and time.monotonic() < until:
                    time.sleep(0.05)
                    said.seek(0)
                    text = said.read()
                self.assertRegex(text, r"127\.0\.0\.1:8484\b")
                self.assertNotIn("0.0.0.0", text.replace("127.0.0.1", ""))
                if server.poll() is None:
                    inodes = {os.readlink(f"/proc/{server.pid}/fd/{name}") for name in os.listdir(f"/proc/{server.pid}/fd")}
                    tables = [pathlib.Path(f"/proc/{server.pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
                    rows = [row.split() for table in tables for row in table]
                    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
                    self.assertEqual(listening, ["0100007F:2124"])
            finally:
                server.terminate()
                server.wait(timeout=20)

    def test_s8_a_body_in_chunks_has_the_same_limit(self):
        with AccountsWorld() as world:
            sender = f"\r\nAuthorization: Bearer {world.management}"
            whole = self.raw(world, f"POST /keys HTTP/1.1{sender}\r\nContent-Length: 1048577", b"a" * 1048577)
            self.assertEqual(whole.split()[1], b"413", whole[:300])
            chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
            pieces = self.raw(world, f"POST /keys HTTP/1.1{sender}\r\nTransfer-Encoding: chunked", *[chunk] * 17, b"0\r\n\r\n")
            self.assertEqual(pieces.split()[1], b"413", pieces[:300])

    def test_m1_nothing_goes_out_that_might_cost_more_than_there_is(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            # Five tokens of a cent each are the most that one answer of this model has; four of them cost 20 cents.
            status, body = world.spend(key, n=101)
            self.assertEqual((status, body["error"]["code"]), (402, "INSUFFICIENT_CREDITS"))
            self.assertEqual(world.fake.requests(), [])
            self.assertEqual(world.spend(key, n=4)[0], 200)
            self.assertLessEqual(world.balance()["total_usage"], 4 * A_REQUEST)

    def test_m2_a_stream_that_the_provider_breaks_off_is_settled(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "die", "after": 3})
            _, answer = self.stream(world, key)
            with contextlib.suppress(http.client.IncompleteRead):
                answer.read()
            self.assertTrue(0 < self.wait_for_usage(world) <= A_REQUEST)

    def test_m3_a_stream_may_be_silent_for_longer_than_ten_seconds(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall", "after": 2, "ms": 11_000})
            _, answer = self.stream(world, key)
            self.assertTrue(answer.read().endswith(b"data: [DONE]\n\n"))
            self.assertEqual(world.balance()["total_usage"], A_REQUEST)

    def test_m4_usage_is_found_however_the_stream_is_written(self):
        events = ('data:{"choices":[{"delta":{"content":"a"}}]}', 'data:{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}',
                  "data:[DONE]")
        for end in ("\n", "\r\n"):
            with self.subTest(end=end), AccountsWorld() as world:
                world.buy(5)
                key = world.new_key()["key"]
                text = HEAD.format("text/event-stream") + "".join(event + end + end for event in events)
                world.fake.rules(any_key={"kind": "raw", "text": text})
                _, answer = self.stream(world, key)
                self.assertEqual(answer.read().decode(), text.split("\r\n\r\n", 1)[1])
                self.assertEqual(world.balance()["total_usage"], 0.03)

    def test_m4_a_json_answer_to_a_stream_is_what_it_is_and_has_its_price(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            body = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":4}}'
            world.fake.rules(any_key={"kind": "raw", "text": HEAD.format("application/json") + body})
            _, answer = self.stream(world, key)
            self.assertEqual((answer.getheader("content-type"), answer.read().decode()), ("application/json", body))
            self.assertEqual(world.balance()["total_usage"], 0.04)

    def test_m4_usage_below_zero_or_beyond_sense_gives_and_takes_nothing(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            spent = 0
            for prompt, completion in ((-1_000_000, 1), (1, -500), (1, 10**15), ('"1"', 1)):
                body = f'{{"choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion}}}}}'
                world.fake.rules(any_key={"kind": "raw", "text": HEAD.format("application/json") + body})
                self.assertEqual(world.spend(key)[0], 200)
                now = world.balance()["total_usage"]
                self.assertTrue(spent <= now <= spent + A_REQUEST + 1e-9, (prompt, completion, spent, now))
                spent = now
            self.assertEqual(world.balance()["total_credits"], 5)
            (row, *_) = world.data("GET", "/usage/requests")["items"]
            self.assertTrue(row["estimated"])

    def test_m4_an_answer_that_is_no_json_is_passed_as_it_is(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            page = "<html>all is well</html>"
            world.fake.rules(any_key={"kind": "raw", "text": HEAD.format("text/html") + page})
            status, headers, body = world.ask("POST", "/v1/chat/completions", chat(), key)
            self.assertEqual((status, {name.lower(): value for name, value in headers.items()}["content-type"], body.decode()),
                             (200, "text/html", page))

    def test_m6_a_webhook_reaches_the_server_and_only_a_genuine_one_counts(self):
        with PlayedStripe() as stripe, AccountsWorld(variables=stripe.variables()) as world:
            session = world.data("POST", "/credits/purchase", {"amount": 10})["session_id"]
            paid, port = stripe.pay(session), world.serve.port
            self.assertEqual(stripe.tell(port, "checkout.session.completed", paid, secret="whsec_other"),
                             (400, {"error": "Invalid signature"}))
            self.assertEqual(world.balance()["remaining"], 0)
            for _ in range(2):
                self.assertEqual(stripe.tell(port, "checkout.session.completed", paid), (200, {"received": True}))
            self.assertEqual(world.balance()["remaining"], 10)

    def test_m6_a_refund_that_no_webhook_told_of_is_booked_once(self):
        with PlayedStripe() as stripe, AccountsWorld(variables=stripe.variables()) as world:
            session = world.data("POST", "/credits/purchase", {"amount": 10})["session_id"]
            stripe.pay(session)
            self.assertEqual(stripe.tell(world.serve.port, "checkout.session.completed", stripe.objects[session])[0], 200)
            self.assertEqual(world.balance()["remaining"], 10)
            world.kill()
            refund = stripe.put("re_1", session, 540, "succeeded")
            stripe.put("dp_1", session, 270, "lost")
            world.start()
            until = time.monotonic() + 20
            while world.balance()["remaining"] != 2.5 and time.monotonic() < until:
                time.sleep(0.1)
            self.assertEqual(world.balance()["remaining"], 2.5)
            self.assertEqual(stripe.tell(world.serve.port, "refund.updated", refund), (200, {"received": True}))
            self.assertEqual(world.balance()["remaining"], 2.5)
            self.assertEqual(world.data("GET", "/credits/history?type=refund")["total"], 2)

    def test_r2_more_streams_at_once_than_256(self):
        streams = 320
        with AccountsWorld(settings={"proxy": {"timeouts": {"idle": 60}}}) as world:
            world.buy(100)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall", "after": 1, "ms": 60_000})
            opened = [self.stream(world, key) for _ in range(streams)]
            for _, answer in opened:
                self.assertTrue(answer.read1(20).startswith(b"data: "))
            self.assertEqual(len(world.fake.wait(lambda seen: len(seen) == streams)), streams)
            # All of them are still open, and there is room for another.
            self.assertTrue(all(each["ended"] is None and each["gone"] is None for each in world.fake.requests()))
            world.fake.rules()
            self.assertEqual(world.spend(key)[0], 200)

    def test_r2_an_upstream_that_says_nothing_is_given_up_and_costs_nothing(self):
        with AccountsWorld(settings={"proxy": {"timeouts": {"firstByte": 1, "idle": 1}}}) as world:
            world.buy(5)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall_head", "ms": 30_000})
            self.assertEqual(world.spend(key)[0], 504)
            world.fake.wait(lambda seen: all(each["gone"] for each in seen))
            self.assertEqual(world.balance()["total_usage"], 0)
            self.assertEqual(world.data("GET", "/usage/requests")["total"], 0)

    def test_r2_a_caller_that_leaves_takes_its_request_with_it(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall_head", "ms": 30_000})
            body = json.dumps(chat()).encode()
            with socket.create_connection(("127.0.0.1", world.serve.port), timeout=20) as peer:
                peer.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                             b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (key.encode(), len(body), body))
                world.fake.wait(lambda seen: len(seen) == 1 and seen[0]["body_bytes"])
            world.fake.wait(lambda seen: seen[0]["gone"])

    def test_r5_who_stops_it_lets_answers_end_and_be_paid(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall", "after": 1, "ms": 1_000})
            _, answer = self.stream(world, key)
            self.assertTrue(answer.read1(20).startswith(b"data: "))
            world.serve.process.terminate()
            self.assertTrue(answer.read().endswith(b"data: [DONE]\n\n"))
            self.assertEqual(world.serve.process.wait(timeout=20), 0)
            credits, usage, reserved, rows = world.books()
            self.assertEqual((credits, usage, reserved, rows), (5_000_000, int(A_REQUEST * 1e6), 0, int(A_REQUEST * 1e6)))


if __name__ == "__main__":
    unittest.main()
