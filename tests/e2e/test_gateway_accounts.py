# SPDX-License-Identifier: MIT
"""accounts.*, keys.* and credits.* of a running server's gateway: who runs it works on the accounts that it serves."""
import http.client
import json
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


if __name__ == "__main__":
    unittest.main()
