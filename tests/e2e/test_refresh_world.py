# SPDX-License-Identifier: MIT
"""The refresh tests' own world: its server counts truly, its faults happen, its CLIs behave as theirs do."""
import contextlib
import hashlib
import http.client
import json
import os
import ssl
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from cli_stores import CLIS
from refresh_world import RefreshWorld, authority

SINGLE_USE = [name for name, cli in CLIS.items() if cli.single_use]


def spend(address: str, cli: str, refresh_token: str, opener=None) -> tuple[int, bytes]:
    """One token request as this CLI words it: (status, body)."""
    kind = CLIS[cli]
    form = {"grant_type": "refresh_token", "client_id": kind.client_id, "refresh_token": refresh_token}
    body = json.dumps(form) if kind.json_body else urllib.parse.urlencode(form)
    sort = "application/json" if kind.json_body else "application/x-www-form-urlencoded"
    path = "/gemini/token" if kind.vendor == "gemini" and not opener else kind.token_path
    request = urllib.request.Request(address + path, body.encode(), {"Content-Type": sort})
    try:
        with (opener.open if opener else urllib.request.urlopen)(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def played(process) -> dict:
    text, _ = process.communicate(timeout=60)
    return json.loads(text.splitlines()[-1])


class Server(unittest.TestCase):
    def test_every_client_refreshes_once_and_a_second_use_kills_the_family(self):
        with RefreshWorld() as world:
            for cli in SINGLE_USE:
                login = world.seed(cli)
                self.assertTrue(world.holds_live_token(cli), cli)
                status, body = spend(world.address, cli, login.first.refresh)
                self.assertEqual(status, 200, cli)
                self.assertEqual(hashlib.sha256(json.loads(body)["refresh_token"].encode()).hexdigest(),
                                 world.family(cli)["live"])
                self.assertFalse(world.holds_live_token(cli), cli)
                self.assertIn(spend(world.address, cli, login.first.refresh)[0], (400, 401))
                family = world.family(cli)
                self.assertEqual((family["spends"], family["reuse"], family["revoked"]), (1, 1, True), cli)
                self.assertIn(spend(world.address, cli, json.loads(body)["refresh_token"])[0], (400, 401))
            counts = world.counts()
            self.assertEqual((counts["refreshes"], counts["reuse"]), (len(SINGLE_USE), len(SINGLE_USE)))

    def test_a_thousand_others_do_not_make_it_forget_a_spent_token(self):
        with RefreshWorld() as world:
            first = world.seed("kimi-cli").first.refresh
            self.assertEqual(spend(world.address, "kimi-cli", first)[0], 200)
            for _ in range(400):  # four entries each
                world.ask("/__login", {"client": "kimi"})
            self.assertEqual(spend(world.address, "kimi-cli", first)[0], 401)
            self.assertEqual(world.counts()["reuse"], 1)

    def test_two_at_once_are_one_spend_and_one_reuse(self):
        import threading
        with RefreshWorld() as world:
            token = world.seed("kimi-cli").first.refresh
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(spend(world.address, "kimi-cli", token)[0]))
                       for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(answers.count(200), 1, answers)
            self.assertEqual(world.family("kimi-cli")["reuse"], 1)

    def test_google_tokens_are_reusable_and_not_granted_anew(self):
        with RefreshWorld() as world:
            token = world.seed("gemini-cli").first.refresh
            for _ in range(3):
                status, body = spend(world.address, "gemini-cli", token)
                self.assertEqual(status, 200)
                self.assertNotIn("refresh_token", json.loads(body))
            self.assertTrue(world.holds_live_token("gemini-cli"))

    def test_a_grace_time_gives_the_same_answer_again(self):
        with RefreshWorld(grace=30) as world:
            token = world.seed("kimi-cli").first.refresh
            first, second = (spend(world.address, "kimi-cli", token) for _ in range(2))
            self.assertEqual(first, second)
            counts = world.counts()
            self.assertEqual((counts["refreshes"], counts["reuse"], counts["grace_answers"]), (1, 0, 1))

    def test_the_vendors_hosts_are_reached_through_the_proxy_port(self):
        with RefreshWorld(tls=True) as world:
            context = ssl.create_default_context(cafile=f"{authority()}/ca.pem")
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": world.address}),
                                                 urllib.request.HTTPSHandler(context=context))
            for cli in ("qwen-cli", "claude-cli", "gemini-cli"):
                token = world.seed(cli).first.refresh
                self.assertEqual(spend(f"https://{CLIS[cli].token_host}", cli, token, opener)[0], 200, cli)

    def test_a_device_login_waits_for_the_person(self):
        with RefreshWorld() as world:
            world.set(interval=1, slow_down=1)
            post = lambda path, **form: spend_form(world.address + path, form)
            for answer, error in (("/__approve", None), ("/__deny", "access_denied")):
                code = post("/api/oauth/device_authorization", client_id=CLIS["kimi-cli"].client_id)[1]
                self.assertEqual(code["interval"], 1)
                poll = {"client_id": CLIS["kimi-cli"].client_id, "device_code": code["device_code"],
                        "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
                if error is None:
                    self.assertEqual(post("/api/oauth/token", **poll)[1]["error"], "slow_down")
                self.assertEqual(post("/api/oauth/token", **poll)[1]["error"], "authorization_pending")
                world.ask(answer, {"user_code": code["user_code"]})
                status, got = post("/api/oauth/token", **poll)
                self.assertEqual(got.get("error"), error)
                self.assertEqual("refresh_token" in got, error is None)


def spend_form(url: str, form: dict) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Faults(unittest.TestCase):
    def ask(self, world, sealed: bool):
        """(status, body) or the exception of one token request through the proxy, and the login."""
        login = world.seed("kimi-cli")
        address = urllib.parse.urlsplit(world.proxy.https if sealed else world.proxy.http)
        context = ssl.create_default_context(cafile=f"{authority()}/ca.pem")
        connection = (http.client.HTTPSConnection(address.netloc, timeout=20, context=context) if sealed
                      else http.client.HTTPConnection(address.netloc, timeout=20))
        form = {"grant_type": "refresh_token", "client_id": CLIS["kimi-cli"].client_id,
                "refresh_token": login.first.refresh}
        try:
            with contextlib.closing(connection):
                connection.request("POST", "/api/oauth/token", urllib.parse.urlencode(form),
                                   {"Content-Type": "application/x-www-form-urlencoded"})
                answer = connection.getresponse()
                return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return error

    def test_each_fault_does_what_it_says(self):
        rotated = {"drop": ConnectionResetError, "close": http.client.RemoteDisconnected, "truncate": Exception,
                   "html": b"<!doctype", "garbage": b"\x00\x01", "body": b"{}", "edit": b'"expires_in": "900"'}
        with RefreshWorld(proxy=True, tls=True) as world:
            for sealed in (False, True):
                for kind, expected in rotated.items():
                    with self.subTest(kind=kind, sealed=sealed):
                        world.proxy.plan(kind, **({"text": "{}"} if kind == "body" else {}),
                                         **({"values": {"expires_in": "900"}} if kind == "edit" else {}))
                        got = self.ask(world, sealed)
                        if isinstance(expected, bytes):
                            self.assertEqual(got[0], 200)
                            self.assertIn(expected, got[1])
                        else:
                            self.assertIsInstance(got, (expected, ssl.SSLEOFError) if sealed else expected)
                        self.assertEqual(world.family("kimi-cli")["spends"], 1)
                with self.subTest(kind="not rotated", sealed=sealed):
                    world.proxy.plan("close_unsent")
                    self.assertIsInstance(self.ask(world, sealed), http.client.RemoteDisconnected)
                    self.assertEqual(world.family("kimi-cli")["spends"], 0)
                    world.proxy.plan("redirect", status=308, location="http://127.0.0.1:1/elsewhere")
                    self.assertEqual(self.ask(world, sealed), (308, b""))
                    world.proxy.plan("status", status=429, headers={"Retry-After": "5"}, text="{}")
                    self.assertEqual(self.ask(world, sealed), (429, b"{}"))
                    self.assertEqual(world.family("kimi-cli")["spends"], 0)
                    self.assertEqual(self.ask(world, sealed)[0], 200)
            self.assertEqual(set(world.proxy.bodies().values()), {1})

    def test_slow_delay_and_refusal(self):
        with RefreshWorld(proxy=True, tls=True) as world:
            for kind, seconds in (("slow", 0.002), ("delay", 0.3), ("hold", 0.3)):
                world.proxy.plan(kind, seconds=seconds)
                begin = time.monotonic()
                self.assertEqual(self.ask(world, False)[0], 200)
                self.assertGreaterEqual(time.monotonic() - begin, 0.3)
            world.proxy.refuse()
            self.assertIsInstance(self.ask(world, False), ConnectionRefusedError)
            world.proxy.listen()
            self.assertEqual(self.ask(world, False)[0], 200)


class PlayedClis(unittest.TestCase):
    def test_each_refreshes_when_it_is_due_and_only_then(self):
        with RefreshWorld() as world:
            for cli in CLIS:
                with self.subTest(cli=cli):
                    login = world.seed(cli, left=800)
                    self.assertEqual(played(world.play(cli))["did"], "fresh")
                    world.age(cli)
                    self.assertEqual(world.stored(cli).refresh, login.first.refresh)
                    self.assertEqual(played(world.play(cli)), {"cli": cli, "did": "refreshed", "posts": 1})
                    self.assertTrue(world.holds_live_token(cli))
                    self.assertGreater(world.stored(cli).expires_at, time.time() + 800)
                    self.assertEqual(world.family(cli)["spends"], 1)
            self.assertIn("mcpOAuth", world.logins["claude-cli"].file.read_text())

    def test_those_with_a_lock_spend_once_when_two_run_at_once(self):
        with RefreshWorld() as world:
            world.set(answer_delay_ms=2000)  # the second is there before the first is done
            for cli in ("kimi-cli", "kimi-code", "qwen-cli", "claude-cli"):
                with self.subTest(cli=cli):
                    world.seed(cli)
                    pair = [world.play(cli) for _ in range(2)]
                    self.assertEqual(sorted(played(each)["did"] for each in pair), ["adopted", "refreshed"])
                    self.assertEqual((world.family(cli)["spends"], world.family(cli)["reuse"]), (1, 0))

    def test_codex_spends_without_a_lock(self):
        with RefreshWorld() as world:
            world.seed("codex-cli")
            world.set(answer_delay_ms=2000)  # the second is there before the first is done
            pair = [world.play("codex-cli") for _ in range(2)]
            self.assertEqual(sorted(played(each)["did"] for each in pair), ["refreshed", "refused"])
            self.assertEqual(world.family("codex-cli")["reuse"], 1)

    def test_what_each_does_with_a_token_that_somebody_else_spent(self):
        expected = {"kimi-cli": "refused", "kimi-code": "tombstone", "codex-cli": "refused", "qwen-cli": "deleted",
                    "claude-cli": "tombstone"}
        with RefreshWorld() as world:
            for cli, did in expected.items():
                with self.subTest(cli=cli):
                    login = world.seed(cli)
                    self.assertEqual(spend(world.address, cli, login.first.refresh)[0], 200)
                    before = login.file.read_text()
                    self.assertEqual(played(world.play(cli, "--speed", "10"))["did"], did)
                    if did == "refused":
                        self.assertEqual(login.file.read_text(), before)
                    elif did == "deleted":
                        self.assertFalse(login.file.exists())
                    else:
                        self.assertEqual(world.stored(cli).refresh, "")

    def test_kimi_cli_goes_on_without_the_lock(self):
        import fcntl
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            with open(login.file.with_suffix(".lock"), "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.assertEqual(played(world.play("kimi-cli", "--speed", "50"))["did"], "refreshed")

    def test_kimi_code_steals_a_stale_lock_and_gives_up_on_a_live_one(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-code")
            lock = login.file.parents[1] / "oauth" / f"{login.file.stem}.lock"
            lock.mkdir()
            self.assertEqual(played(world.play("kimi-code", "--speed", "500"))["did"], "busy")
            os.utime(lock, (time.time() - 6, time.time() - 6))
            self.assertEqual(played(world.play("kimi-code"))["did"], "refreshed")

    def test_qwen_removes_a_lock_that_is_not_its_own(self):
        with RefreshWorld() as world:
            login = world.seed("qwen-cli", left=600)
            lock = login.file.with_name("oauth_creds.lock")
            lock.write_text("somebody else")
            self.assertEqual(played(world.play("qwen-cli"))["did"], "fresh")
            self.assertFalse(lock.exists())

    def test_an_old_codex_leaves_half_a_file_for_a_while(self):
        with RefreshWorld() as world:
            login = world.seed("codex-cli")
            process = world.play("codex-cli", "--old", "--slow-write", "0.4")
            broken = 0
            while process.poll() is None:
                try:
                    json.loads(login.file.read_text())
                except ValueError:
                    broken += 1
                time.sleep(0.005)
            self.assertEqual(played(process)["did"], "refreshed")
            self.assertGreater(broken, 5)
            self.assertTrue(world.holds_live_token("codex-cli"))


if __name__ == "__main__":
    unittest.main()
