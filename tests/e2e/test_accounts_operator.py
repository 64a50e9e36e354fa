# SPDX-License-Identifier: MIT
"""`credpool accounts`: accounts of another server are taken over, listed, given credits; payments that nobody has."""
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import unittest

import reference_database as reference
from accounts_world import A_REQUEST, AccountsWorld
from postgres_server import find_program
from reference_database import ReferenceDatabase
from refresh_world import program


def run(world, *arguments, store: bool = True, **variables):
    shared = ("--store", world.database.address) if world.database and store else ()
    return subprocess.run([*program(), *shared, "accounts", *map(str, arguments)], cwd=world.serve.home,
                          env={**world.serve.environment, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)


def answer(world, *arguments):
    done = run(world, *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def listed(world) -> dict:
    return {account["email"]: account for account in answer(world, "list")["accounts"]}


def file_of(world, name: str) -> pathlib.Path:
    (path,) = world.root.rglob(name)
    return path


class Import(unittest.TestCase):
    def setUp(self):
        self.database = self.enterContext(ReferenceDatabase())

    def take_over(self, world, *more):
        return answer(world, "import", "--from", self.database.old, *more)

    def history(self, world) -> list:
        return world.data("GET", "/credits/history?limit=100")["items"]

    def check_books(self, world, remaining: float):
        """The transactions of the account add up, each with the balance after it."""
        balance = 0
        for entry in reversed(self.history(world)):
            balance = round(balance + entry["amount"], 6)
            self.assertEqual(entry["balance_after"], balance, entry)
        self.assertEqual(world.balance()["remaining"], balance)
        self.assertEqual(balance, remaining)

    def check_all(self, world):
        with self.subTest("a dry run writes nothing"):
            planned = self.take_over(world, "--dry-run")
            self.assertEqual(list(listed(world)), ["ann@example.com"])
        report = self.take_over(world)
        self.assertEqual({**report, "dryRun": True}, planned)
        self.assertEqual(report, {
            "dryRun": False, "accounts": 3, "resumed": 0, "managementKeys": 2, "keys": 4, "transactions": 4, "requests": 7,
            "corrections": 1, "negativeCosts": 1, "negativeBalances": ["carol@example.com"],
            "skipped": [{"email": "notanemail", "reason": "no e-mail address"},
                        {"email": "ann@example.com", "reason": "an account with that e-mail is there already"}]})
        accounts = listed(world)
        self.assertEqual({email: (a["remaining"], a["keys"], a["plan"]) for email, a in accounts.items()},
                         {"bob@example.com": (28.765433, 2, "pro"), "carol@example.com": (-0.75, 1, "free"),
                          "dave@example.com": (0, 0, "free"), "ann@example.com": (0, 0, "free")})
        self.assertEqual((accounts["bob@example.com"]["credits"], accounts["bob@example.com"]["usage"]), (30, 1.234567))
        self.assertEqual((accounts["bob@example.com"]["id"], accounts["bob@example.com"]["createdAt"]), (reference.BOB, "2026-01-02T03:04:05.678Z"))

        world.management = reference.BOB_MANAGED
        self.assertEqual(world.ask("GET", "/auth/me", key=reference.BOB_MANAGED)[0], 401)
        world.management = reference.BOB_MANAGES
        self.check_books(world, 28.765433)
        self.assertEqual([(e["type"], e["amount"], e["created_at"][:10]) for e in self.history(world)[1:]],
                         [("refund", -5, "2026-03-01"), ("usage", -0.4, "2026-01-12"), ("auto_topup", 25, "2026-01-10"),
                          ("usage", -0.734567, "2026-01-05"), ("purchase", 10, "2026-01-03")])
        topup = world.data("GET", "/credits/auto-topup")
        self.assertEqual((topup["enabled"], topup["threshold"], topup["amount"]), (True, 7, 25))
        keys = {key["hash"]: key for key in world.data("GET", "/keys?include_revoked=true")["items"]}
        self.assertEqual({h: (k["name"], k["credit_limit"], k["limit_reset"], k["usage"], k.get("revoked_at") is not None) for h, k in keys.items()},
                         {reference.BOB_HASH: ("main", None, None, 0.234567, False), reference.BOB_REVOKED_HASH: ("main", None, None, 0.9, True),
                          reference.BOB_LIMITED_HASH: ("limited", 0.12, "monthly", 0.1, False)})
        rows = world.data("GET", f"/usage/requests?key={reference.BOB_REVOKED_HASH}")
        self.assertEqual([(r["model"], r["cost"], r["status"]) for r in rows["items"]],
                         [("gpt-4o", 0, 500), ("gpt-4o-mini", 0.4, 200), ("gpt-4o", 0.5, 200)])
        days = world.data("GET", "/usage?from=2026-01-01&to=2026-01-31")
        self.assertEqual([(d["day"], d["key"], d["model"], d["requests"], d["cost"]) for d in days["items"] if d["cost"]],
                         [("2026-01-12", reference.BOB_REVOKED_HASH, "gpt-4o-mini", 1, 0.4),
                          ("2026-01-05", reference.BOB_HASH, "gpt-4o", 1, 0.234567), ("2026-01-05", reference.BOB_REVOKED_HASH, "gpt-4o", 1, 0.5)])

        with self.subTest("a second run changes nothing"):
            again = self.take_over(world)
            self.assertEqual((again["accounts"], again["keys"], again["requests"]), (0, 0, 0))
            self.assertEqual({skip["email"] for skip in again["skipped"]},
                             {"notanemail", "ann@example.com", "bob@example.com", "carol@example.com", "dave@example.com"})
            self.assertEqual(listed(world), accounts)

        with self.subTest("keys spend, as far as they may"):
            self.assertEqual(world.spend(reference.BOB_SPENDS)[0], 200)
            self.assertEqual(world.spend(reference.BOB_SPENT)[0], 401)
            status, body = world.spend(reference.BOB_LIMITED)  # 0.02 of this month is left
            self.assertEqual((status, body["error"]["code"]), (429, "CREDIT_LIMIT_EXCEEDED"))
            self.assertNotEqual(world.spend(reference.CAROL_SPENDS)[0], 200)
            self.assertEqual(world.balance()["remaining"], round(28.765433 - A_REQUEST, 6))
            self.check_books(world, round(28.765433 - A_REQUEST, 6))
        with self.subTest("people log in as they did"):
            self.assertEqual(world.ask("POST", "/auth/login", {"email": "bob@example.com", "password": "Wrong1234"})[0], 401)
            for _ in range(2):  # the second time with the hash that replaced bcrypt's
                login = world.data("POST", "/auth/login", {"email": "BOB@example.com", "password": reference.PASSWORD})
            world.management = login["management_key"]
            self.assertEqual(world.data("GET", "/auth/me")["email"], "bob@example.com")

    def test_into_files_while_the_server_runs(self):
        with AccountsWorld() as world:
            self.check_all(world)
            files = [path for path in (world.serve.home / ".local/state/credpool").rglob("*") if path.is_file()]
            for path in files:
                data = path.read_bytes()
                for key in reference.KEYS:
                    self.assertNotIn(key.encode(), data, path)

    def test_into_a_shared_database(self):
        with AccountsWorld(self.database, 1) as world:
            self.check_all(world)

    def test_an_import_that_was_cut_off_is_ended_by_the_next(self):
        with AccountsWorld() as world:
            self.take_over(world)
            whole = listed(world)
            with contextlib.closing(sqlite3.connect(file_of(world, "accounts.sqlite"))) as store, store:
                store.execute("UPDATE account SET plan = 'import-unfinished' WHERE email = 'bob@example.com'")
                store.execute("DELETE FROM provisioned_key WHERE hash IN (?, ?)", (reference.BOB_HASH, reference.BOB_LIMITED_HASH))
            self.assertEqual(listed(world)["bob@example.com"]["keys"], 0)
            report = self.take_over(world)
            self.assertEqual((report["accounts"], report["resumed"]), (1, 1))
            self.assertEqual(listed(world), whole)
            world.management = reference.BOB_MANAGES
            self.check_books(world, 28.765433)
            self.assertEqual(world.data("GET", "/usage/requests")["total"], 5)

    def test_a_broken_row_is_named_and_nothing_written(self):
        faults = {
            "UPDATE usage_logs SET cost = 0.1234567 WHERE cost = 0.1 RETURNING 'usage_logs row ' || id": "decimals",
            "UPDATE credit_transactions SET amount = 'NaN' WHERE amount = 25 RETURNING 'credit_transactions row ' || id": "amount",
            f"UPDATE provisioned_keys SET limit_reset = 'hourly' WHERE hash = '{reference.CAROL_HASH}' RETURNING 'provisioned_keys row ' || id": "limit_reset",
        }
        with AccountsWorld() as world:
            for statement, why in faults.items():
                with self.subTest(why):
                    place = self.database.sql(statement, self.database.old)
                    done = run(world, "import", "--from", self.database.old)
                    self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                    self.assertIn(place, done.stderr)
                    self.assertIn(why, done.stderr)
                    self.assertEqual(list(listed(world)), ["ann@example.com"])
                    self.database.sql("UPDATE usage_logs SET cost = 0.1 WHERE cost = 0.1234567;"
                                      "UPDATE credit_transactions SET amount = 25 WHERE amount = 'NaN';", self.database.old)

    def test_one_import_at_a_time(self):
        with AccountsWorld() as world, subprocess.Popen(
                [find_program("psql"), "-X", "-q", "-A", "-t", self.database.old], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            other.stdin.write("SELECT pg_advisory_lock(7596851770407805808), 'held';\n")
            other.stdin.flush()
            self.assertIn("held", other.stdout.readline())
            done = run(world, "import", "--from", self.database.old)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another import", done.stderr)
            other.stdin.close()
            other.wait()

    def test_addresses(self):
        with AccountsWorld() as world:
            for address in ("postgresql://tester:sesame-open@127.0.0.1/old", "postgresql://h/old?password=sesame-open", "old", ""):
                with self.subTest(address):
                    done = run(world, "import", "--from", address)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn("PGPASSFILE", done.stderr)
                    self.assertNotIn("sesame", done.stdout + done.stderr)
            done = run(world, "import", "--from", self.database.address)  # another database, without those tables
            self.assertEqual(done.returncode, 1)
            self.assertIn("users", done.stderr)
            self.assertEqual(run(world, "import", "--from", self.database.old, "--time-zone", "Nowhere/Land").returncode, 3)


class ByHand(unittest.TestCase):
    def test_grant_and_list(self):
        with AccountsWorld() as world:
            given = answer(world, "grant", "Ann@example.com", "12.345678", "--note", "For the fair")
            self.assertEqual((given["email"], given["amount"], given["balance"]), ("ann@example.com", 12.345678, 12.345678))
            (entry,) = world.data("GET", "/credits/history")["items"]
            self.assertEqual(entry, {"id": given["transactionId"], "type": "grant", "amount": 12.345678, "balance_after": 12.345678,
                                     "description": "For the fair", "created_at": entry["created_at"]})
            key = world.new_key()["key"]
            self.assertEqual(world.spend(key)[0], 200)
            done = run(world, "grant", world.email, "0.1")
            self.assertEqual((done.returncode, done.stdout), (0, "Granted $0.10 to ann@example.com, which has $12.395678 now.\n"))
            table = run(world, "list").stdout
            for text in ("ann@example.com", "$12.445678", "$0.05", "$12.395678"):
                self.assertIn(text, table)
            with self.subTest("what is no grant"):
                for email, amount, code, why in (("bob@example.com", "1", 1, "accounts list"), ("bob", "1", 3, "e-mail"),
                                                 (world.email, "0", 3, "zero"), (world.email, "1e3", 3, "AMOUNT"),
                                                 (world.email, "0.0000001", 3, "decimals"), (world.email, "1,5", 3, "AMOUNT")):
                    done = run(world, "grant", email, amount)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertIn(why, done.stderr)
                self.assertEqual(world.balance()["remaining"], 12.395678)

    def test_payments(self):
        with AccountsWorld() as world:
            self.assertEqual(run(world, "payments").stdout, "No payment is unclaimed.\n")
            with contextlib.closing(sqlite3.connect(file_of(world, "payments.sqlite"))) as store, store:
                store.executemany("INSERT INTO payment VALUES (?, 'gone', 'checkout', 10000000, 1080, ?, ?, 0, 1760000000000)",
                                  [("p1", "cs_1", "unclaimed"), ("p2", "cs_2", "paid")])
            (payment,) = answer(world, "payments")["unclaimed"]
            self.assertEqual(payment, {"id": "p1", "account": "gone", "kind": "checkout", "credits": 10, "paid": 10.8, "reference": "cs_1",
                                       "createdAt": "2025-10-09T08:53:20Z"})
            said = run(world, "payments").stdout
            self.assertIn("$10.80", said)
            self.assertIn("cs_1", said)


if __name__ == "__main__":
    unittest.main()
