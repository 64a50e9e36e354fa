# SPDX-License-Identifier: MIT
"""accounts.*, keys.* and credits.* of a running server's gateway: who runs it works on the accounts that it serves."""
import contextlib
import http.client
import json
import re
import sqlite3
import threading
import time
import unittest

from accounts_world import A_REQUEST, AccountsWorld


class Gateway(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(AccountsWorld())
        (token,) = self.world.root.rglob("gateway.token")
        self.token = token.read_text().strip()

    def call(self, method: str, **params) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.world.serve.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("POST", "/rpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                           {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        body = answer.read()
        self.assertEqual(answer.status, 200, body)
        return json.loads(body)

    def result(self, method: str, **params) -> dict:
        answer = self.call(method, **params)
        self.assertIn("result", answer, answer)
        return answer["result"]

    def test_a_key_that_the_operator_makes_spends_what_the_operator_grants(self):
        status = self.result("accounts.status")
        self.assertEqual((status["enabled"], status["timeZone"]), (True, "UTC"))
        (ann,) = self.result("accounts.list", text="ann")["accounts"]
        self.assertEqual((ann["email"], ann["remaining"]), ("ann@example.com", "0"))
        self.result("credits.grant", account=ann["id"], amount="5", note="hello")
        made = self.result("keys.create", account=ann["id"], name="by-hand", credit_limit=1)
        self.assertEqual(self.world.spend(made["key"])[0], 200)

        (listed,) = self.result("accounts.list")["accounts"]
        self.assertEqual((listed["usage"], listed["remaining"]), ("0.05", "4.95"))
        (day,) = self.result("accounts.usage", account=ann["email"])["days"]
        self.assertEqual((day["keyName"], day["requests"], float(day["cost"])), ("by-hand", 1, A_REQUEST))
        types = [item["type"] for item in self.result("credits.history", account=ann["id"])["items"]]
        self.assertEqual(types, ["usage", "grant"])

    def test_a_change_holds_for_the_next_request(self):
        self.world.buy(5)
        made = self.result("keys.create", account="ann@example.com", name="k")
        chosen = {"account": "ann@example.com", "hash": made["hash"]}
        self.assertEqual(self.world.spend(made["key"])[0], 200)
        self.assertTrue(self.result("keys.update", **chosen, disabled=True)["disabled"])
        status, answer = self.world.spend(made["key"])
        self.assertEqual((status, answer["error"]["code"]), (401, "KEY_DISABLED"))
        self.result("keys.update", **chosen, disabled=False)
        self.assertEqual(self.world.spend(made["key"])[0], 200)
        other = self.result("keys.rotate", **chosen)["key"]
        self.assertEqual(self.world.spend(made["key"])[0], 401)
        self.assertEqual(self.world.spend(other)[0], 200)
        self.assertTrue(self.result("keys.revoke", **chosen)["revoked"])
        self.assertEqual(self.world.spend(other)[1]["error"]["code"], "KEY_REVOKED")
        self.assertEqual(self.call("keys.rotate", **chosen)["error"]["data"]["code"], "conflict")

    # ---- /metrics
    def ledger(self) -> dict:
        """Samples of the ledger: {"holds_total granted": 1}."""
        connection = http.client.HTTPConnection("127.0.0.1", self.world.serve.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
        self.assertEqual(answer.status, 200, text)
        found = re.findall(r'^credpool_ledger_(\w+)(?:\{result="(\w+)"\})? (\S+)$', text, re.MULTILINE)
        return {f"{name} {result}".strip(): float(value) for name, result, value in found}

    def test_metrics_of_the_ledger(self):
        nothing = {"holds_total granted": 0, "holds_total no_credits": 0, "holds_total over_limit": 0, "holds_total unreachable": 0,
                   "holds_total refused": 0, "settlements_total durable": 0, "settlements_total late": 0, "queue": 0,
                   "settled_microdollars_total": 0, "up": 1}
        self.assertEqual(self.ledger(), nothing)
        key = self.world.new_key()["key"]
        self.assertEqual(self.world.spend(key)[0], 402)
        self.assertEqual(self.ledger(), {**nothing, "holds_total no_credits": 1})
        self.world.buy(5)
        limited = self.world.new_key("limited", credit_limit=0.06)["key"]
        self.assertEqual([self.world.spend(key)[0] for _ in range(3)], [200] * 3)
        self.assertEqual([self.world.spend(limited)[0] for _ in range(2)], [200, 429])
        self.assertEqual(self.world.spend(key, model="no-price")[0], 404)  # nobody serves it: nothing is held
        expected = {**nothing, "holds_total granted": 4, "holds_total no_credits": 1, "holds_total over_limit": 1,
                    "settlements_total durable": 4, "settled_microdollars_total": 4 * A_REQUEST * 1_000_000}
        self.assertEqual(self.ledger(), expected)
        self.assertEqual(self.world.books()[1], expected["settled_microdollars_total"])

        self.world.fake.rules(any_key={"kind": "hold", "times": 1})
        slow = threading.Thread(target=self.world.spend, args=(key,))
        slow.start()
        until = time.monotonic() + 10
        while self.ledger()["holds_total granted"] < 5 and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(self.ledger(), {**expected, "holds_total granted": 5})
        self.world.fake.release()
        slow.join(timeout=20)
        expected = {**expected, "holds_total granted": 5, "settlements_total durable": 5,
                    "settled_microdollars_total": 5 * A_REQUEST * 1_000_000}
        self.assertEqual(self.ledger(), expected)

    def test_metrics_while_the_store_cannot_be_written(self):
        self.world.buy(5)
        key, other = self.world.new_key()["key"], self.world.new_key("other")["key"]
        self.assertEqual(self.world.spend(key)[0], 200)
        (path,) = self.world.root.rglob("accounts.sqlite")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            status, answer = self.world.spend(other)
            self.assertEqual((status, answer["error"]["code"]), (503, "ACCOUNTS_UNAVAILABLE"))
            figures = self.ledger()
            self.assertEqual((figures["up"], figures["holds_total unreachable"]), (0, 1))
            store.execute("ROLLBACK")
        self.assertEqual(self.world.spend(other)[0], 200)
        figures = self.ledger()
        self.assertEqual((figures["up"], figures["holds_total granted"], figures["settlements_total durable"]), (1, 2, 2))


if __name__ == "__main__":
    unittest.main()
