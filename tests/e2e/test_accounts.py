# SPDX-License-Identifier: MIT
"""`credpool serve` with accounts: credits are spent through the proxy, and never more than there are."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import threading
import time
import unittest

from accounts_world import A_REQUEST, AccountsWorld
from proxy_world import Serve, chat, say

AT_ONCE = int(os.environ.get("CREDPOOL_SPENDERS", "512"))
KILLS = int(os.environ.get("CREDPOOL_SERVER_KILLS", "10"))


class Spending(unittest.TestCase):
    def test_a_request_is_paid(self):
        with AccountsWorld() as world:
            key = world.new_key(credit_limit=50, limit_reset="daily")
            self.assertEqual(world.spend(key["key"])[0], 402)
            world.buy(100)
            self.assertEqual(world.spend(key["key"])[0], 200)
            status, _, body = world.ask("POST", "/v1/chat/completions", chat(stream=True), key["key"])
            self.assertEqual(status, 200)
            self.assertTrue(body.endswith(b"data: [DONE]\n\n"))
            self.assertEqual(world.balance(), {"total_credits": 100, "total_usage": 0.1, "remaining": 99.9})
            info = world.data("GET", f"/keys/{key['hash']}")
            self.assertEqual((info["usage"], info["usage_daily"], info["requests_count"]), (0.1, 0.1, 2))
            self.assertEqual(info["model_usage"], [{"model": "gpt-fake", "requests": 2, "tokens": 32, "cost": 0.1}])
            self.assertNotIn(key["key"], world.serve.said())
            self.assertNotIn(world.management, world.serve.said())

    def test_who_may_not_spend(self):
        with AccountsWorld() as world:
            world.buy(100)
            key = world.new_key(credit_limit=0.07)
            calls = {"none": None, "a management key": world.management, "unknown": "sk-prov-" + "0" * 32, "no key": "sk-other"}
            for name, value in calls.items():
                with self.subTest(name):
                    self.assertEqual(world.ask("POST", "/v1/chat/completions", chat(), value)[0], 401)
            self.assertEqual(world.spend(key["key"])[0], 200)
            status, body = world.spend(key["key"])
            self.assertEqual((status, body["error"]["code"]), (429, "CREDIT_LIMIT_EXCEEDED"))
            status, body = world.spend(key["key"], model="gpt-4o")
            self.assertEqual(status, 404)  # no provider has it
            # What is changed holds from the next request on.
            world.data("PATCH", f"/keys/{key['hash']}", {"credit_limit": 50, "disabled": True})
            self.assertEqual(world.spend(key["key"])[1]["error"]["code"], "KEY_DISABLED")
            world.data("PATCH", f"/keys/{key['hash']}", {"disabled": False})
            self.assertEqual(world.spend(key["key"])[0], 200)
            rotated = world.data("POST", f"/v1/keys/{key['hash']}/rotate", {})["key"]
            self.assertEqual(world.spend(key["key"])[0], 401)
            self.assertEqual(world.spend(rotated)[0], 200)
            world.data("DELETE", f"/keys/{key['hash']}")
            self.assertEqual(world.spend(rotated)[0], 401)

    def test_who_may_see_the_models(self):
        with AccountsWorld() as world:
            def models(key: str) -> tuple:
                status, _, body = world.ask("GET", "/v1/models", None, key)
                return status, json.loads(body).get("error", {}).get("code")

            for stranger in ("sk-prov-" + "0" * 32, "sk-prov-" + "1" * 32, world.management):
                self.assertEqual([models(stranger)[0] for _ in range(2)], [401, 401])
            key = world.new_key()
            # Without credits it is a key all the same, and looking costs nothing.
            self.assertEqual(models(key["key"]), (200, None))
            world.data("PATCH", f"/keys/{key['hash']}", {"disabled": True})
            self.assertEqual(models(key["key"]), (401, "KEY_DISABLED"))
            world.data("PATCH", f"/keys/{key['hash']}", {"disabled": False, "expires_at": "2020-01-01"})
            self.assertEqual(models(key["key"]), (401, "KEY_EXPIRED"))
            world.data("PATCH", f"/keys/{key['hash']}", {"expires_at": None})
            self.assertEqual(models(key["key"]), (200, None))
            world.data("DELETE", f"/keys/{key['hash']}")
            self.assertEqual(models(key["key"]), (401, "KEY_REVOKED"))
            self.assertEqual(world.data("GET", "/usage/requests")["total"], 0)
            self.assertEqual(world.books()[:2], (0, 0))

    def test_many_at_once_spend_what_there_is_and_no_more(self):
        with AccountsWorld() as world:
            served_at_most = 100
            world.buy(5)
            key = world.new_key()["key"]
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(lambda _: world.spend(key)[0], range(AT_ONCE)))
            counts = {status: answers.count(status) for status in set(answers)}
            say(f"{AT_ONCE} at once on a balance for {served_at_most}: {counts}")
            self.assertEqual(counts, {200: served_at_most, 402: AT_ONCE - served_at_most})
            self.assertEqual(world.balance()["remaining"], 0)

    def test_many_at_once_on_the_limit_of_a_key(self):
        with AccountsWorld() as world:
            world.buy(100)
            key = world.new_key(credit_limit=20 * A_REQUEST, limit_reset="monthly")["key"]
            with concurrent.futures.ThreadPoolExecutor(100) as pool:
                answers = list(pool.map(lambda _: world.spend(key)[0], range(100)))
            self.assertEqual(sorted(answers), [200] * 20 + [429] * 80)

    def test_a_caller_that_leaves_pays_for_what_was_said(self):
        with AccountsWorld() as world:
            world.buy(100)
            key = world.new_key()["key"]
            world.fake.rules(any_key={"kind": "stall", "after": 3, "ms": 20000})
            connection = http.client.HTTPConnection("127.0.0.1", world.serve.port, timeout=20)
            connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True)),
                               {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read1(10)
            answer.close()
            connection.close()
            until = time.monotonic() + 10
            while world.balance()["total_usage"] == 0 and time.monotonic() < until:
                time.sleep(0.1)
            self.assertGreater(world.balance()["total_usage"], 0)
            self.assertLessEqual(world.balance()["total_usage"], A_REQUEST)

    def test_what_failed_costs_nothing(self):
        with AccountsWorld() as world:
            world.buy(5)
            key = world.new_key(credit_limit=0.1)["key"]
            world.fake.rules(any_key={"kind": "status", "status": 400})
            for _ in range(5):
                self.assertEqual(world.spend(key)[0], 400)
            world.fake.rules()
            self.assertEqual([world.spend(key)[0] for _ in range(3)], [200, 200, 429])


class Crashes(unittest.TestCase):
    def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(self):
        with AccountsWorld() as world:
            budget = 50 * max(1, KILLS // 10)  # dollars: a thousand requests for ten kills
            world.buy(budget)
            key = world.new_key()["key"]
            acknowledged, lock, stop = [], threading.Lock(), threading.Event()

            def spend_on():
                while not stop.is_set():
                    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                        status, _ = world.spend(key)
                        if status == 200:
                            with lock:
                                acknowledged.append(1)
                        elif status == 402:
                            return
                    time.sleep(0.005)

            with concurrent.futures.ThreadPoolExecutor(16) as pool, contextlib.ExitStack() as at_last:
                at_last.callback(stop.set)
                workers = [pool.submit(spend_on) for _ in range(16)]
                for _ in range(KILLS):
                    time.sleep(random.uniform(0.05, 0.5))
                    world.kill()
                    credits, usage, _, rows = world.books()
                    self.assertEqual(usage, rows)
                    self.assertLessEqual(usage, credits)
                    world.start()
                time.sleep(0.5)
                stop.set()
                for worker in workers:
                    worker.result()
            until = time.monotonic() + 10
            while world.books()[2] != 0 and time.monotonic() < until:
                time.sleep(0.2)
            credits, usage, reserved, rows = world.books()
            say(f"{KILLS} kills: {len(acknowledged)} answers acknowledged, {usage / (A_REQUEST * 1_000_000):.0f} settled of {budget / A_REQUEST:.0f}")
            self.assertEqual(reserved, 0)
            self.assertEqual(usage, rows)
            self.assertLessEqual(usage, credits)
            self.assertGreaterEqual(usage, len(acknowledged) * A_REQUEST * 1_000_000)
            self.assertGreater(len(acknowledged), KILLS)

    def test_only_one_server_spends_from_one_file(self):
        with AccountsWorld() as world:
            with self.assertRaisesRegex(AssertionError, "busy|another server"):
                Serve(world.fake.addresses["http"], world.root / "host-0", accounts=True, arguments=("--grant-credits",))
            world.buy(10)
            self.assertEqual(world.spend(world.new_key()["key"])[0], 200)


class BehindAProxy(unittest.TestCase):
    """Twenty registrations at once are allowed to an address."""

    def statuses(self, arguments: tuple, forwarded: list[str]) -> list[int]:
        with AccountsWorld(arguments=arguments) as world:
            return [world.ask("POST", "/auth/register", {"email": f"u{number}@example.com", "password": "Secret123"},
                              headers={"X-Forwarded-For": each})[0] for number, each in enumerate(forwarded)]

    def test_clients_of_a_trusted_proxy_are_counted_by_their_own_addresses(self):
        spoofing = [f"198.51.100.{number}, 203.0.113.9" for number in range(21)]
        statuses = self.statuses(("--trusted-proxy", "127.0.0.0/8"), [*spoofing, "203.0.113.10"])
        self.assertEqual(statuses, [201] * 20 + [429, 201])

    def test_nobody_else_is_believed(self):
        forwarded = [f"203.0.113.{number}" for number in range(20)]
        # One registration was the world's own.
        self.assertEqual(self.statuses(("--trusted-proxy", "10.0.0.0/8"), forwarded), [201] * 19 + [429])


if __name__ == "__main__":
    unittest.main()
