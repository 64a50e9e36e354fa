# SPDX-License-Identifier: MIT
"""openclaw-token against a server: what is asked, what is repeated, and what a lost answer comes to."""
import contextlib
import itertools
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from token_world import EMAIL, PASSWORD, PROGRAM, Screen, ServedWorld, TokenWorld


def status(code: int, times: int = 99, **headers):
    """The first `times` requests are answered with that status."""
    return lambda asked, before: (code, headers, json.dumps({"error": {"code": "X", "message": "no"}})) if before < times else None


def only(method: str, path: str, fault):
    return lambda asked, before: fault(asked, before) if (asked.method, asked.path.split("?")[0]) == (method, path) else None


class Http(unittest.TestCase):
    def test_the_walk_of_the_page(self):
        for suffix in ("", "/v1"):
            with self.subTest(suffix=suffix), ServedWorld(suffix) as world:
                world.register()
                world.json("auth", "login", "--email", EMAIL, "--password-stdin", stdin=PASSWORD)
                self.assertEqual(world.json("credits", "buy", "--amount", "20", "--yes")["new_balance"], 20)
                key = world.json("keys", "create", "--name", "my-app", "--limit", "10", "--limit-reset", "monthly")
                self.assertEqual(world.json("auth", "whoami")["keys_count"], 1)
                self.assertEqual(world.json("keys", "usage", key["hash"])["usage"], 0)
                world.json("keys", "update", key["hash"], "--limit", "none")
                world.json("keys", "revoke", key["hash"], "--yes")
                world.json("auth", "rotate", "--yes")
                self.assertEqual(world.json("credits", "history")["total"], 1)
                for asked in world.front.asked:
                    self.assertTrue(asked.path.startswith(suffix + "/"), asked.path)
                    self.assertNotIn("sk-", asked.path)

    def test_what_is_sent(self):
        with ServedWorld() as world:
            world.register()
            world.json("credits", "balance")
            register, balance = world.front.asked
            self.assertEqual(json.loads(register.body), {"email": EMAIL, "password": PASSWORD})
            self.assertNotIn("authorization", register.headers)
            self.assertTrue(register.headers["idempotency-key"])
            self.assertEqual(balance.headers["authorization"], "Bearer " + world.config()["management_key"])
            self.assertTrue(balance.headers["user-agent"].startswith("openclaw-token/0.8.1"))

    def test_a_page_of_keys_is_a_page_of_the_server(self):
        with ServedWorld() as world:
            world.register()
            for name in "abcd":
                world.json("keys", "create", "--name", name)
            world.front.asked.clear()
            page = world.json("keys", "list", "--limit", "2", "--offset", "1")
            self.assertEqual([key["name"] for key in page["items"]], ["c", "b"])
            self.assertEqual([page[name] for name in ("total", "limit", "offset", "has_more")], [4, 2, 1, True])
            self.assertEqual([asked.path for asked in world.front.asked], ["/keys?limit=2&offset=1"])
            self.assertEqual([key["name"] for key in world.json("keys", "list", "--offset", "3")["items"]], ["a"])
            # What is sorted here has to be here.
            self.assertEqual([key["name"] for key in world.json("keys", "list", "--limit", "2", "--sort", "name")["items"]], ["a", "b"])

    def test_a_server_without_pages(self):
        everything = {"items": [{"hash": str(number), "name": str(number)} for number in range(5)], "total": 5}
        with ServedWorld() as world:
            world.register()
            world.front.faults = only("GET", "/keys", lambda asked, before: (200, {}, json.dumps({"data": everything})))
            page = world.json("keys", "list", "--limit", "2", "--offset", "2")
            self.assertEqual([key["name"] for key in page["items"]], ["2", "3"])
            self.assertEqual((page["total"], page["has_more"]), (5, True))
            self.assertEqual(len(world.json("keys", "list")["items"]), 5)

    def test_reads_are_repeated_three_times_with_growing_pauses(self):
        with ServedWorld() as world:
            world.register()
            world.front.faults = only("GET", "/credits", status(500))
            begin = time.monotonic()
            error = world.json("credits", "balance", code=1)["error"]["message"]
            took = time.monotonic() - begin
            self.assertEqual((error, len(world.front.of("GET", "/credits"))), ("Server error (500).", 4))
            self.assertTrue(3.5 <= took < 8, took)
            world.front.faults = only("GET", "/credits", status(502, 6))
            self.assertEqual(world.json("credits", "balance")["remaining"], 0)

    def test_retry_after_is_honoured(self):
        with ServedWorld() as world:
            world.register()
            world.front.faults = only("GET", "/credits", status(429, 1, **{"Retry-After": "2"}))
            begin = time.monotonic()
            done = world.run("--verbose", "credits", "balance")
            self.assertGreaterEqual(time.monotonic() - begin, 2)
            self.assertRegex(done.stderr, r"Retry 1/3 in 2000ms\.\.\.")
            world.front.faults = only("GET", "/credits", status(429, 99, **{"Retry-After": "3600"}))
            begin = time.monotonic()
            done = world.run("credits", "balance", code=1)
            self.assertLess(time.monotonic() - begin, 2)
            self.assertEqual(done.stderr, "\u2717 Rate limited. Too many requests.\n  Try again in 3600 s.\n")

    def test_what_a_lost_answer_comes_to(self):
        lose_first = lambda asked, before: "lose" if before == 0 else None
        with ServedWorld() as world:
            # Done once, whatever is lost: the idempotency key is the same.
            world.front.faults = only("POST", "/auth/register", lose_first)
            world.register()
            first, second = world.front.of("POST", "/auth/register")
            self.assertEqual(first.headers["idempotency-key"], second.headers["idempotency-key"])
            world.front.faults = only("POST", "/credits/purchase", lose_first)
            self.assertEqual(world.json("credits", "buy", "--amount", "10", "--yes")["new_balance"], 10)
            self.assertEqual(world.json("credits", "history")["total"], 1)
            world.front.faults = only("POST", "/keys", lose_first)
            key = world.json("keys", "create", "--name", "agent")
            self.assertEqual([item["hash"] for item in world.json("keys", "list")["items"]], [key["hash"]])
            # A second key of that name is a conflict all the same.
            world.front.faults = lambda asked, before: None
            self.assertIn("Resource conflict", world.json("keys", "create", "--name", "agent", code=1)["error"]["message"])
            # What has no such key is asked once.
            before = len(world.front.asked)
            world.front.faults = only("PATCH", "/keys/" + key["hash"], lambda *_: "lose")
            self.assertIn("may or may not", world.json("keys", "update", key["hash"], "--limit", "5", code=1)["error"]["message"])
            self.assertEqual(len(world.front.asked) - before, 1)
            self.assertEqual(world.json("keys", "info", key["hash"])["credit_limit"], 5)

    def test_a_server_without_idempotency_gives_no_false_conflict(self):
        def forgetful(asked, before):
            asked.headers.pop("idempotency-key", None)
            return "lose" if before == 0 else (409, {}, '{"error":{"code":"KEY_NAME_EXISTS","message":"taken"}}')

        with ServedWorld() as world:
            world.register()
            world.front.faults = only("POST", "/keys", forgetful)
            self.assertIn("may or may not have been made", world.json("keys", "create", "--name", "agent", code=1)["error"]["message"])

    def test_the_status_of_an_answer(self):
        with ServedWorld() as world:
            world.register()
            for code, name, text, hint in (
                    (400, "INVALID_INPUT", "Bad thing", "Check your input and try again."),
                    (401, "UNAUTHORIZED", "Session expired or token is invalid.", "Run: openclaw-token auth login"),
                    (402, "INSUFFICIENT_CREDITS", "Insufficient credits. Bad thing", "Run: openclaw-token credits buy --amount <USD>"),
                    (402, "PAYMENT_FAILED", "Payment failed.", "Check your payment method and try again."),
                    (404, "KEY_NOT_FOUND", "Bad thing", "Check the key hash with: openclaw-token keys list"),
                    (409, "CONFLICT", "Resource conflict: Bad thing", None),
                    (410, "KEY_REVOKED", "This key has already been revoked.", None)):
                body = json.dumps({"error": {"code": name, "message": "Bad thing"}})
                world.front.faults = lambda asked, before, code=code, body=body: (code, {}, body)
                done = world.run("credits", "balance", code=1)
                self.assertEqual(done.stderr, f"\u2717 {text}\n" + (f"  {hint}\n" if hint else ""))
                self.assertEqual(world.json("credits", "balance", code=1), {"error": {"message": text}})

    def test_an_answer_that_is_none_is_a_failure(self):
        with ServedWorld() as world:
            world.register()
            for body in ("<html>hello</html>", "", "[]", '"x"', "null", '{"data": [1]}', "{" * 2000):
                world.front.faults = lambda asked, before, body=body: (200, {}, body)
                self.assertEqual(world.json("credits", "balance", code=1)["error"]["message"], "The server's answer is not understood.")
            world.front.faults = lambda asked, before: (200, {}, '{"data": {"total_credits": "\\u001b[31m", "remaining": null}}')
            self.assertEqual(world.run("credits", "balance").stdout.count(" - "), 3)
            world.front.faults = lambda asked, before: (400, {}, json.dumps({"error": {"code": "X", "message": "\x1b[31mred"}}))
            self.assertNotIn("\x1b", world.run("credits", "balance", code=1).stderr)

    def test_many_keys_come_page_by_page(self):
        with ServedWorld() as world:
            world.register()
            items = [{"hash": f"{number:016x}", "name": f"k{number}", "usage": number, "disabled": False,
                      "credit_limit": None, "limit_reset": None, "created_at": "2026-01-01T00:00:00.000Z"} for number in range(1200)]

            def pages(asked, before):
                query = dict(part.split("=") for part in asked.path.split("?")[1].split("&"))
                part = items[int(query["offset"]):][:int(query["limit"])]
                return 200, {}, json.dumps({"data": {"items": part, "total": len(items)}})

            world.front.faults = only("GET", "/keys", pages)
            listed = world.json("keys", "list", "--filter", "usage>=1199")
            self.assertEqual([item["name"] for item in listed["items"]], ["k1199"])
            # One that got no answer in time, on a machine with too much to do, is sent again.
            asked = [page for page, _ in itertools.groupby(request.path for request in world.front.of("GET", "/keys"))]
            self.assertEqual(len(asked), 3)
            before = len(world.front.of("GET", "/keys"))
            world.front.faults = only("GET", "/keys", lambda *_: (200, {}, json.dumps({"data": {"items": items, "total": 1200}})))
            self.assertEqual(world.json("keys", "list")["total"], 1200)
            self.assertEqual(len({request.path for request in world.front.of("GET", "/keys")[before:]}), 1)

    def test_a_login_through_github_at_either_path(self):
        for suffix in ("", "/v1"):
            with self.subTest(suffix=suffix), ServedWorld(suffix) as world:
                self.assertEqual(list(world.json("auth", "login", "--github")), ["email", "management_key", "merged"])
                self.assertEqual(world.config()["api_base"], world.base)
                polls = world.front.of("POST", suffix + "/oauth/device/token")
                self.assertEqual(json.loads(polls[0].body)["grant_type"], "urn:ietf:params:oauth:grant-type:device_code")

    def test_a_denied_login(self):
        with ServedWorld() as world:
            for body, text in (('{"error": "access_denied"}', "Authorization denied by user."),
                               ('{"error": {"code": "expired_token", "message": ""}}',
                                "Authorization timed out. Run 'auth login --github' again.")):
                begun = json.dumps({"data": {"device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": "https://x.example/",
                                             "interval": 1, "expires_in": 30}})
                world.front.faults = lambda asked, before, body=body: ((200, {}, begun) if asked.path.endswith("code")
                                                                       else (400, {}, body))
                self.assertEqual(world.json("auth", "login", "--github", code=1)["error"]["message"], text)

    def test_a_watch_goes_on_through_an_outage_and_ends_when_the_key_does(self):
        with ServedWorld() as world:
            world.register()
            key = world.json("keys", "create", "--name", "agent")
            path = "/keys/" + key["hash"]
            world.front.faults = only("GET", path, lambda asked, before: (429, {"Retry-After": "100"}, "") if before == 1 else (
                (404, {}, '{"error":{"code":"KEY_NOT_FOUND","message":"Key not found"}}') if before == 3 else None))
            done = world.run("--json", "keys", "usage", key["hash"], "--watch", "--interval", "1", code=1)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([line["hash"] for line in lines[:-1]], [key["hash"]] * 2)
            self.assertEqual(lines[-1], {"error": {"message": "Key not found"}})
            self.assertIn("Trying again.", done.stderr)

    def test_the_network_is_another_program_beside_it(self):
        with TokenWorld() as world:
            world.put_config()
            alone = world.root / "openclaw-token"
            shutil.copy(PROGRAM, alone)
            done = subprocess.run([alone, "--json", "credits", "balance"], env=world.environment(), capture_output=True, text=True,
                                  timeout=20)
            self.assertEqual(done.returncode, 1)
            self.assertIn("openclaw-token-network", json.loads(done.stdout)["error"]["message"])

    def test_existing_directories_are_read_as_they_are(self):
        with ServedWorld() as world:
            key = world.register()["management_key"]
            (world.directory / "profiles/default/config.json").unlink()
            (world.directory / "profiles/default").rmdir()
            world.variables.pop("OPENCLAW_TOKEN_API_BASE")
            # One of the time before there were profiles, with an audit log that everybody may read.
            old = world.directory / "config.json"
            whole = {"management_key": key, "api_base": world.base, "email": EMAIL, "created_at": "2026-01-01T00:00:00.000Z",
                     "last_login": "2026-01-01T00:00:00.000Z"}
            old.write_text(json.dumps(whole, indent=2))
            log = world.directory / "audit.log"
            log.write_text('{"timestamp":"2026-01-01T00:00:00.000Z","command":"keys","args":["list"],"status":"success"}\nbroken\n')
            log.chmod(0o644)
            self.assertEqual(world.json("auth", "whoami")["email"], EMAIL)
            self.assertEqual((old.exists(), world.config()), (False, whole))
            self.assertEqual([item["command"] for item in world.json("audit", "show")["items"]], ["keys", "auth"])
            self.assertEqual(log.stat().st_mode & 0o777, 0o600)
            world.put_config("work", management_key=key, api_base=world.base)
            (world.directory / "current_profile").write_text("work\n")
            self.assertEqual(world.json("profile", "current")["name"], "work")
            self.assertEqual(world.json("auth", "whoami")["email"], EMAIL)


class NotCopied(unittest.TestCase):
    """The flaws of the first program of this name, each shown absent."""

    def test_01_api_base_counts_for_logins_and_is_what_is_kept(self):
        with ServedWorld() as world:
            world.register()
            self.assertEqual(world.config()["api_base"], world.base)
            world.json("auth", "logout")
            world.variables.pop("OPENCLAW_TOKEN_API_BASE")
            world.json("config", "set", "api_base", world.base)
            world.json("auth", "login", "--email", EMAIL, "--password-stdin", stdin=PASSWORD)
            self.assertEqual(world.config()["api_base"], world.base)
            self.assertEqual(len(world.front.of("POST", "/auth/login")), 1)

    def test_02_the_mock_can_be_switched_on_by_its_variable(self):
        with ServedWorld() as world:
            self.assertEqual(world.json("credits", "balance", OPENCLAW_TOKEN_MOCK="1")["remaining"], 100)
            self.assertEqual(world.front.asked, [])
            self.assertIn("Not logged in", world.json("credits", "balance", code=1, OPENCLAW_TOKEN_MOCK="0")["error"]["message"])

    def test_03_the_mock_leaves_the_real_profile_alone_and_remembers_its_own(self):
        with TokenWorld() as world:
            world.put_config()
            before = world.files()
            world.mock("auth", "register", "--email", EMAIL, "--password-stdin", stdin=PASSWORD)
            self.assertEqual(world.mock("auth", "whoami")["email"], EMAIL)
            world.mock("auth", "login", "--github")
            self.assertEqual(world.mock("credits", "balance")["remaining"], 0)
            self.assertEqual(world.files(), before)

    def test_04_no_profile_verb_leaves_the_directory(self):
        with TokenWorld() as world:
            world.put_config()
            victim = world.home / "x"
            victim.mkdir()
            (victim / "mine").write_text("mine")
            before = world.files()
            for verb in ("create", "switch", "delete"):
                for name in ("", "../../x", "..", "a/b", "-x", "x" * 64, "a b", "\u00e9"):
                    message = world.json("profile", verb, "--", name, code=1)["error"]["message"]
                    self.assertIn("Invalid profile name", message, (verb, name))
            for options, variables in ((["--profile", "../../x"], {}), ([], {"OPENCLAW_TOKEN_PROFILE": "../../x"})):
                self.assertIn("Invalid profile name", world.json(*options, "config", "list", code=1, **variables)["error"]["message"])
            (world.directory / "audit.log").unlink()
            self.assertEqual(world.files(), before)
            (world.directory / "current_profile").write_text("../../x")
            self.assertIn("Invalid profile name", world.json("config", "list", code=1)["error"]["message"])
            world.json("profile", "switch", "default")
            world.json("config", "list")

    def test_05_a_number_that_is_none_is_refused(self):
        with ServedWorld() as world:
            world.register()
            asked = len(world.front.asked)
            for line in (["keys", "create", "--name", "a", "--limit"], ["keys", "update", "0" * 16, "--limit"],
                         ["credits", "buy", "--yes", "--amount"], ["credits", "auto-topup", "--threshold"],
                         ["credits", "auto-topup", "--amount"], ["credits", "history", "--limit"], ["keys", "list", "--limit"],
                         ["keys", "usage", "0" * 16, "--interval"]):
                for value in ("abc", "5,000", "", "-1", "1e3", "0x10", "NaN", "Infinity", "5 USD", "\uff15"):
                    self.assertIn("Invalid input", world.json(*line, value, code=1)["error"]["message"], (line, value))
            for line in (["credits", "auto-topup", "--threshold", "0"], ["credits", "buy", "--yes", "--amount", "10001"],
                         ["credits", "buy", "--yes", "--amount", "5.001"], ["keys", "create", "--name", "a b"],
                         ["keys", "create", "--name", "a", "--limit-reset", "hourly"], ["credits", "auto-topup", "--enable", "--disable"],
                         ["keys", "create", "--name", "a", "--expires", "tomorrow"],
                         ["keys", "create", "--name", "a", "--expires", "2020-01-01"], ["keys", "usage", "0" * 16, "--interval", "0"]):
                self.assertIn("Invalid input", world.json(*line, code=1)["error"]["message"], line)
            self.assertEqual(world.json("credits", "buy", "--yes", "--amount", "4.99", code=1)["error"]["message"],
                             "Minimum purchase amount is $5.00")
            self.assertEqual(len(world.front.asked), asked)

    def test_06_config_set_takes_no_nonsense_and_shows_no_secret(self):
        with TokenWorld() as world:
            world.put_config()
            before = world.config()
            for key, value in (("api_base", "nonsense"), ("api_base", "ftp://x.example"), ("api_base", "https://a:b@x.example"),
                               ("email", "nobody"), ("management_key", "secret"), ("management_key", "sk-mgmt-with blank")):
                self.assertIn("Invalid input", world.json("config", "set", key, value, code=1)["error"]["message"])
            self.assertEqual(world.config(), before)
            secret = "sk-mgmt-99999999-9999-4999-8999-999999999999"
            done = world.run("config", "set", "management_key", secret)
            self.assertNotIn("9999", done.stdout + done.stderr)
            self.assertIn("command line", done.stderr)
            self.assertNotIn("9999", world.run("--json", "config", "set", "management_key", stdin=secret).stdout)
            self.assertEqual(world.config()["management_key"], secret)
            self.assertNotIn("9999", (world.directory / "audit.log").read_text())
            world.run("keys", secret, code=1)
            world.run("profile", "create", secret + "/", code=1)
            self.assertNotIn("9999", (world.directory / "audit.log").read_text())
            self.assertEqual((world.directory / "audit.log").stat().st_mode & 0o777, 0o600)

    def test_07_rotating_the_management_key(self):
        with ServedWorld() as world:
            world.register()
            old = world.config()["management_key"]
            world.front.faults = only("POST", "/auth/rotate", lambda *_: (401, {}, '{"error":{"code":"UNAUTHORIZED","message":"x"}}'))
            self.assertEqual(world.json("auth", "rotate", "--yes", code=1)["error"]["message"], "Session expired or token is invalid.")
            world.front.faults = only("POST", "/auth/rotate", status(500))
            self.assertEqual(world.json("auth", "rotate", "--yes", code=1)["error"]["message"], "Server error (500).")
            asked = len(world.front.of("POST", "/auth/rotate"))
            world.front.faults = only("POST", "/auth/rotate", lambda *_: "cut")
            self.assertEqual(world.json("auth", "rotate", "--yes", code=1)["error"]["message"],
                             "Rotation status unknown. Run `auth whoami` to check your current key.")
            self.assertEqual(len(world.front.of("POST", "/auth/rotate")) - asked, 1)
            world.front.faults = lambda *_: None
            # From the environment: the profile's own login is not touched.
            world.put_config("other", management_key="sk-mgmt-22222222-2222-4222-8222-222222222222", email="other@example.com")
            before = world.config("other")
            done = world.run("--json", "--profile", "other", "auth", "rotate", "--yes", OPENCLAW_TOKEN_KEY=old)
            new = json.loads(done.stdout)["management_key"]
            self.assertEqual(world.config("other"), before)
            self.assertIn("Update your OPENCLAW_TOKEN_KEY", done.stderr)
            self.assertEqual(world.json("auth", "whoami", OPENCLAW_TOKEN_KEY=new)["email"], EMAIL)

    def test_08_no_post_is_repeated_without_an_idempotency_key(self):
        with ServedWorld() as world:
            world.register()
            world.front.asked.clear()
            world.front.faults = status(500)
            world.json("keys", "create", "--name", "a", code=1)
            world.json("auth", "rotate", "--yes", code=1)
            posts = world.front.of("POST", "/keys")
            self.assertEqual(len({asked.headers["idempotency-key"] for asked in posts}), 1)
            self.assertEqual(len(world.front.of("POST", "/auth/rotate")), 1)

    def test_09_standard_output_is_json_and_nothing_else(self):
        with ServedWorld() as world:
            world.register()
            key = world.json("keys", "create", "--name", "a")
            world.json("keys", "update", key["hash"], "--disabled")
            done = world.run("--json", "keys", "rotate", key["hash"], "--yes")
            self.assertTrue(json.loads(done.stdout)["disabled"])
            self.assertIn("currently disabled", done.stderr)
            done = world.run("--json", "--verbose", "auth", "rotate", "--yes", OPENCLAW_TOKEN_KEY=world.config()["management_key"])
            json.loads(done.stdout)
            self.assertIn("[verbose] \u2192 POST /auth/rotate (auth: ****)\n[verbose] \u2190 200\n", done.stderr)
            self.assertNotRegex(done.stderr, "sk-mgmt-[0-9a-f]")
            for line in (["credits", "buy", "--amount", "5"], ["keys", "revoke-all"], ["auth", "login"]):
                self.assertEqual(list(json.loads(world.run("--json", *line, code=1).stdout)), ["error"])

    def test_10_a_payment_that_never_arrives_is_a_failure_and_logout_ends_the_key(self):
        with ServedWorld() as world:
            world.register()
            page = json.dumps({"data": {"checkout_url": "https://pay.example/1", "session_id": "cs_1"}})
            world.front.faults = only("POST", "/credits/purchase", lambda *_: (200, {}, page))
            done = world.run("credits", "buy", "--amount", "10", "--yes", "--wait", "1", code=1)
            self.assertIn("Pay on this page: https://pay.example/1", done.stdout)
            self.assertIn("has not arrived", done.stderr)
            self.assertEqual(world.json("credits", "buy", "--amount", "10", "--yes"), json.loads(page)["data"])
            paid = json.dumps({"data": {"total_credits": 10, "total_usage": 0, "remaining": 10}})
            world.front.asked.clear()
            world.front.faults = lambda asked, before: ((200, {}, page) if asked.method == "POST"
                                                        else (200, {}, paid) if before > 1 else None)
            self.assertIn("New balance: $10.00", world.run("credits", "buy", "--amount", "10", "--yes").stdout)
            world.front.faults = lambda *_: None
            key = world.config()["management_key"]
            world.json("auth", "logout")
            self.assertEqual(world.json("auth", "whoami", code=1, OPENCLAW_TOKEN_KEY=key)["error"]["message"],
                             "Session expired or token is invalid.")

    def test_11_logins_without_a_terminal_and_plain_http(self):
        with ServedWorld() as world:
            for line in (["auth", "login"], ["auth", "login", "--email", EMAIL], ["auth", "register"]):
                done = world.run(*line, code=1)
                self.assertIn("--password-stdin", done.stderr)
                self.assertEqual(world.run(*line, code=1, stdin=f"{EMAIL}\n{PASSWORD}\n").stdout, "")
            self.assertEqual(world.front.asked, [])
            for password in ("short1A", "nocapital1", "NoDigits", "x" * 200 + "A1"):
                self.assertIn("Invalid input", world.json("auth", "register", "--email", EMAIL, "--password-stdin", stdin=password,
                                                          code=1)["error"]["message"])
            self.assertIn("Invalid input", world.json("auth", "register", "--email", "nobody", "--password-stdin", stdin=PASSWORD,
                                                      code=1)["error"]["message"])
            world.register()
            key = world.config()["management_key"]
            for command in (["keys", "revoke", "0" * 16], ["keys", "rotate", "0" * 16], ["auth", "rotate"],
                            ["credits", "buy", "--amount", "5"]):
                done = world.run(*command, code=1)
                self.assertIn("--yes", done.stderr)
            done = world.run("credits", "balance", code=1, OPENCLAW_TOKEN_API_BASE="http://accounts.example/v1")
            self.assertIn("Plain http to another machine is refused", done.stderr)
            address = socket.gethostbyname(socket.gethostname())
            if not address.startswith("127."):  # a machine of its own name only
                with socket.create_server((address, 0)) as server:
                    server.settimeout(20)

                    def answer():
                        connection, _ = server.accept()
                        with connection:
                            connection.recv(65536)
                            body = b'{"data": {"remaining": 7}}'
                            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

                    threading.Thread(target=answer, daemon=True).start()
                    base = f"http://{address}:{server.getsockname()[1]}"
                    self.assertEqual(world.json("--insecure-http", "credits", "balance", OPENCLAW_TOKEN_API_BASE=base), {"remaining": 7})
            # A proxy is asked for a tunnel, and sees no key.
            with socket.create_server(("127.0.0.1", 0)) as proxy:
                proxy.settimeout(20)
                address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
                seen = []

                def play():
                    with contextlib.suppress(OSError):  # the socket is closed when the command has given up
                        while True:
                            connection, _ = proxy.accept()
                            with connection:
                                seen.append(connection.recv(65536))
                                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

                thread = threading.Thread(target=play, daemon=True)
                thread.start()
                world.json("credits", "balance", code=1, OPENCLAW_TOKEN_API_BASE="https://accounts.example/v1", HTTPS_PROXY=address)
                thread.join(1)
            self.assertTrue(seen)
            for request in seen:
                self.assertTrue(request.startswith(b"CONNECT accounts.example:443 "), request)
                self.assertNotIn(key.encode(), request)

    def test_12_a_terminal_without_columns(self):
        with ServedWorld() as world:
            world.register()
            world.front.faults = only("GET", "/credits", status(500, 1))
            screen = Screen(world, "credits", "balance", columns=0)
            self.assertEqual(screen.end(), 0)
            self.assertLess(len(screen.shown), 4000)

    def test_13_completions_know_every_command_and_option(self):
        with TokenWorld() as world:
            for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
                script = world.run("completion", shell).stdout
                options = ["status", "remove", "limit-reset", "include-revoked", "password-stdin", "watch", "interval"]
                for word in options + ["revoke-all", "auto-topup", "help", "fish", "reset"]:
                    self.assertIn(word, script, shell)
                self.assertIsNotNone(shutil.which(check[0]), f"{check[0]} is not installed")
                with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
                    file.write(script)
                    file.flush()
                    done = subprocess.run([*check, file.name], capture_output=True, text=True, timeout=20)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), shell)
            script = world.run("completion", "bash").stdout
            asked = script + ('COMP_WORDS=(openclaw-token integrate --)\nCOMP_CWORD=2\n_openclaw_token\necho "${COMPREPLY[@]}"\n')
            done = subprocess.run(["bash"], input=asked, capture_output=True, text=True, timeout=20)
            self.assertEqual(set(re.findall(r"--[a-z]+", done.stdout)) & {"--status", "--remove"}, {"--status", "--remove"})
            page = world.run("man").stdout
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=page, capture_output=True, text=True,
                                  timeout=20)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
