# SPDX-License-Identifier: MIT
"""refresh: what it does to each CLI's login, what it says, and what it ends with."""
import json
import os
import pathlib
import stat
import subprocess
import time
import unittest

from cli_stores import CLIS, replace_file
from refresh_world import LOGIN_NEEDED, OK, OUTCOME_UNKNOWN, TRY_LATER, RefreshWorld, program

USAGE = 3


def run(world, *arguments, **variables):
    """credpool in that world, as a person runs it: text."""
    return subprocess.run([*program(), *arguments], cwd=world.home, stdin=subprocess.DEVNULL, capture_output=True,
                          env=world.environment(**variables), text=True, timeout=90)


def configure(world, text: str) -> None:
    file = world.home / ".config/credpool/config.json5"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(text, encoding="utf-8")


def configure_google(world) -> None:
    """Google's client pair, which no program but Gemini CLI itself has."""
    secret = world.home / "google-client-secret"
    secret.touch(mode=0o600)
    secret.write_text("made-up-client-secret\n", encoding="utf-8")
    configure(world, '{oauth: {"google-gemini-cli": {clientSecretFile: "~/google-client-secret"}}}')


def one(done, code=OK):
    """The only row of `refresh --json`."""
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    row, = json.loads(done.stdout)["refreshed"]
    return row


def error_of(done, code):
    assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)["error"]


def put_played_codex(world, body: str) -> pathlib.Path:
    """A `codex` on a PATH of its own: what it does with `app-server` is up to `body`."""
    place = world.root / "bin"
    place.mkdir(mode=0o755)
    file = place / "codex"
    file.write_text(f"#!/usr/bin/env python3\nimport json, os, sys, urllib.request\n{body}", encoding="utf-8")
    file.chmod(0o755)
    return place


PLAYED_CODEX = '''
assert sys.argv[1:2] == ["app-server"], sys.argv
home = os.path.join(os.environ["HOME"], ".codex/auth.json")
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":  # an expired token is refreshed at the start
        data = json.load(open(home))
        form = {"grant_type": "refresh_token", "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
                "refresh_token": data["tokens"]["refresh_token"]}
        request = urllib.request.Request(os.environ["CODEX_REFRESH_TOKEN_URL_OVERRIDE"], json.dumps(form).encode(),
                                         {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=20))
        for name in ("id_token", "access_token", "refresh_token"):
            data["tokens"][name] = answer.get(name) or data["tokens"][name]
        with open(home + ".new", "w") as file:
            json.dump(data, file)
        os.chmod(home + ".new", 0o600)
        os.rename(home + ".new", home)
    print(json.dumps({"id": message["id"], "result": {}}), flush=True)
'''


class EachCli(unittest.TestCase):
    def add_unknown(self, login):
        """What a newer version of the CLI may keep there, and what a person may have done to the file."""
        data = json.loads(login.file.read_text())
        data["fromTheFuture"] = {"kept": [1, "\u00fc", None]}
        replace_file(login.file, json.dumps(data))

    def test_the_file_is_rewritten_and_everything_else_in_it_stays(self):
        with RefreshWorld(tls=True) as world:
            configure_google(world)
            for cli in CLIS:
                with self.subTest(cli=cli):
                    login = world.seed(cli)
                    self.add_unknown(login)
                    row = one(world.refresh(cli))
                    self.assertEqual((row["cli"], row["outcome"], row["note"]), (cli, "exchanged", ""))
                    stored = world.stored(cli)
                    self.assertNotEqual(stored.access, login.first.access)
                    self.assertGreater(stored.expires_at, time.time() + 800)
                    self.assertTrue(world.holds_live_token(cli))
                    self.assertEqual(world.family(cli)["spends"], 1)
                    self.assertEqual(json.loads(login.file.read_text())["fromTheFuture"], {"kept": [1, "\u00fc", None]})
                    self.assertEqual(stat.S_IMODE(login.file.stat().st_mode), 0o600)
                    again = one(world.refresh(cli))
                    self.assertEqual((again["outcome"], again["tokenHash"]), ("still_fresh", row["tokenHash"]))
                    self.assertEqual(world.family(cli)["spends"], 1)
                    world.forget(login.file)  # else: too soon after the last request
                    self.assertEqual(one(world.refresh(cli, "--force"))["outcome"], "exchanged")
                    self.assertEqual(world.family(cli)["spends"], 2)
                    self.assertTrue(world.holds_live_token(cli))
                    self.assertEqual(world.family(cli)["reuse"], 0)

    def test_a_link_stays_a_link_and_a_mode_a_mode(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            real = world.home / "synchronised/kimi.json"
            real.parent.mkdir(mode=0o700)
            login.file.rename(real)
            real.chmod(0o640)
            login.file.symlink_to(real)
            self.assertEqual(one(world.refresh("kimi-cli"))["outcome"], "exchanged")
            self.assertTrue(login.file.is_symlink())
            self.assertEqual(stat.S_IMODE(real.stat().st_mode), 0o640)
            self.assertTrue(world.holds_live_token("kimi-cli"))

    def test_the_json(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            row = one(world.refresh("kimi-cli"))
            self.assertEqual(list(row), ["id", "profileId", "cli", "outcome", "expiresAt", "tokenHash", "retryAt", "note"])
            scanned, = json.loads(run(world, "--json", "scan").stdout)["credentials"]
            for name in ("id", "profileId", "tokenHash"):
                self.assertEqual(row[name], scanned[name])
            self.assertTrue(row["tokenHash"].startswith("sha256:"))
            self.assertIsNone(row["retryAt"])
            history = json.loads(run(world, "--json", "history").stdout)
            self.assertIn(row["tokenHash"], json.dumps(history))

    def test_no_secret_is_printed(self):
        with RefreshWorld() as world:
            for cli in ("kimi-cli", "codex-cli"):
                login = world.seed(cli)
                done = run(world, "refresh", cli, "--ownership", "co_own")
                for tokens in (login.first, world.stored(cli)):
                    for secret in (tokens.access, tokens.refresh):
                        self.assertNotIn(secret[:12], done.stdout + done.stderr)

    def test_the_text(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            self.assertEqual(run(world, "refresh", "kimi-cli").stdout,
                             "kimi-code:default (kimi-cli): refreshed, ends in 14 min\n")
            self.assertEqual(run(world, "refresh", "kimi-cli").stdout,
                             "kimi-code:default (kimi-cli): fresh, ends in 14 min\nNext: --force refreshes it all the same\n")
            done = run(world, "refresh", "kimi-cli", "--force")  # less than 5 s after the last request
            self.assertEqual(done.returncode, OK)
            self.assertRegex(done.stdout, r"^kimi-code:default \(kimi-cli\): not refreshed, the token still works, ends in 14 min\n"
                                          r"Why: .*tried a short while ago\nNext: try again in \d s\n$")
            self.assertNotIn(str(world.home), done.stdout)
            self.assertTrue(login.file.exists())

    def test_several_logins_of_one_cli_and_how_a_login_is_named(self):
        with RefreshWorld() as world:
            first = world.seed("kimi-cli")
            second = first.file.with_name("work.json")
            answer = world.ask("/__login", {"client": "kimi"})
            replace_file(second, CLIS["kimi-cli"].render("", answer, time.time() - 10))
            done = world.refresh("kimi-cli")
            self.assertEqual(done.returncode, OK, done.stderr)
            rows = json.loads(done.stdout)["refreshed"]
            self.assertEqual([row["outcome"] for row in rows], ["exchanged", "exchanged"])
            self.assertEqual(len({row["id"] for row in rows}), 2)
            for row in rows:
                for name in (row["profileId"], row["id"]):
                    self.assertEqual(one(world.refresh(name))["id"], row["id"])
            # One that fails does not keep the other from it; the worst decides the exit code.
            for file in (first.file, second):
                world.forget(file)
                replace_file(file, CLIS["kimi-cli"].aged(file.read_text(), time.time() - 10))
            broken = json.loads(second.read_text())
            replace_file(second, json.dumps({**broken, "refresh_token": "made-up-refresh-token"}))
            done = world.refresh("kimi-cli")
            self.assertEqual(done.returncode, LOGIN_NEEDED, done.stdout)
            rows = {row["outcome"]: row for row in json.loads(done.stdout)["refreshed"]}
            self.assertEqual(set(rows), {"exchanged", None})
            self.assertEqual(rows[None]["error"]["code"], "login_needed")

    def test_a_name_that_nothing_has(self):
        with RefreshWorld() as world:
            error = error_of(run(world, "--json", "refresh", "nobody"), TRY_LATER)
            self.assertEqual(error["code"], "not_found")
            self.assertIn("credpool status", error["hint"])
            self.assertIn("credpool login kimi-cli", error_of(run(world, "--json", "refresh", "kimi-cli"), 1)["hint"])
            hint = error_of(run(world, "--json", "refresh", "gh"), 1)["hint"]
            self.assertIn("gh auth login", hint)
            self.assertNotIn("credpool login", hint)  # there is no such login of our own

    def test_a_key_has_nothing_to_refresh(self):
        with RefreshWorld() as world:
            key = "sk-fake-key-0123456789abcdef"
            done = run(world, "--json", "refresh", "openai:OPENAI_API_KEY", OPENAI_API_KEY=key)
            names = [c["profileId"] for c in json.loads(run(world, "--json", "scan", OPENAI_API_KEY=key).stdout)["credentials"]]
            if done.returncode == 1 and json.loads(done.stdout)["error"]["code"] == "not_found":
                done = run(world, "--json", "refresh", names[0], OPENAI_API_KEY=key)
            error = error_of(done, 1)
            self.assertEqual(error["code"], "unsupported")
            self.assertIn("key", error["hint"])


class WhenItFails(unittest.TestCase):
    def test_a_refused_token_needs_a_person_and_the_file_is_left_alone(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            replace_file(login.file, login.file.read_text().replace(login.first.refresh, "made-up-refresh-token"))
            before = login.file.read_bytes()
            error = error_of(world.refresh("kimi-cli"), LOGIN_NEEDED)
            self.assertEqual(error["code"], "login_needed")
            self.assertIn("log in", error["message"])
            self.assertEqual(login.file.read_bytes(), before)
            asked = world.counts()["requests"]["/api/oauth/token"]
            again = run(world, "refresh", "kimi-cli")
            self.assertEqual(again.returncode, LOGIN_NEEDED)
            self.assertIn("Next: kimi login, or: credpool login kimi-cli", again.stderr)
            self.assertEqual(world.counts()["requests"]["/api/oauth/token"], asked)  # not asked again in vain

    def test_a_server_that_is_overloaded(self):
        with RefreshWorld(proxy=True) as world:
            world.seed("kimi-cli")
            world.proxy.plan("status", status=503, headers={"Retry-After": "7"}, text="{}")
            error = error_of(world.refresh("kimi-cli"), TRY_LATER)
            self.assertIn(error["code"], ("overloaded", "rate_limited"))
            self.assertIsNotNone(error["retryAt"])
            self.assertEqual(world.family("kimi-cli")["spends"], 0)
            # Where the old token still works it is no error.
            world.seed("kimi-cli", left=120)
            world.proxy.plan("status", status=503, headers={"Retry-After": "7"}, text="{}")
            row = one(world.refresh("kimi-cli"))
            self.assertEqual(row["outcome"], "kept")
            self.assertIsNotNone(row["retryAt"])
            self.assertTrue(row["note"])
            self.assertTrue(world.holds_live_token("kimi-cli"))

    def test_a_lost_answer_is_an_unknown_outcome(self):
        with RefreshWorld(proxy=True) as world:
            world.seed("kimi-cli")
            world.proxy.plan("close_unsent")
            error = error_of(world.refresh("kimi-cli"), OUTCOME_UNKNOWN)
            self.assertEqual(error["code"], "outcome_unknown")
            self.assertIsNotNone(error["retryAt"])
            self.assertEqual(run(world, "status", "--check").returncode, OUTCOME_UNKNOWN)
            shown = run(world, "status").stdout
            self.assertIn("Next: credpool refresh kimi-code:default", shown)
            entry, = json.loads(run(world, "--json", "status").stdout)["credentials"]
            self.assertEqual(entry["refresh"]["state"], "outcome_unknown")
            early = error_of(world.refresh("kimi-cli"), TRY_LATER)  # less than 5 s after the last request
            self.assertIsNotNone(early["retryAt"])
            time.sleep(5)
            # The one late retry, 10 s after the first: nothing was spent, so it succeeds.
            self.assertEqual(one(world.refresh("kimi-cli"))["outcome"], "exchanged")
            self.assertTrue(world.holds_live_token("kimi-cli"))
            self.assertEqual(run(world, "status", "--check").returncode, OK)

    def test_plain_http_to_another_machine_is_refused(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            before = login.file.read_bytes()
            done = world.refresh("kimi-cli", KIMI_CODE_OAUTH_HOST="http://oauth.example.test")
            error = error_of(done, USAGE)
            self.assertIn("https", error["message"])
            self.assertEqual(login.file.read_bytes(), before)


class Ownership(unittest.TestCase):
    def test_a_borrowed_login_is_left_to_its_cli(self):
        with RefreshWorld() as world:
            login = world.seed("codex-cli")
            before = login.file.read_bytes()
            error = error_of(run(world, "--json", "refresh", "codex-cli"), 1)
            self.assertEqual(error["code"], "unsupported")
            for words in ("borrowed", "not on PATH", "--ownership co_own", "credpool login codex-cli"):
                self.assertIn(words, error["hint"])
            self.assertEqual(login.file.read_bytes(), before)
            self.assertEqual(world.family("codex-cli")["spends"], 0)
            scanned, = json.loads(run(world, "--json", "scan").stdout)["credentials"]
            self.assertEqual(scanned["ownership"], "borrow")

    def test_its_own_program_refreshes_it(self):
        with RefreshWorld() as world:
            world.seed("codex-cli")
            place = put_played_codex(world, PLAYED_CODEX)
            path = f"{place}:{os.environ['PATH']}"
            row = one(run(world, "--json", "refresh", "codex-cli", PATH=path))
            self.assertEqual(row["outcome"], "exchanged")
            self.assertTrue(world.holds_live_token("codex-cli"))
            self.assertEqual(world.family("codex-cli")["spends"], 1)
            world.age("codex-cli")
            row = one(run(world, "--json", "refresh", "codex-cli", "--method", "cli-command", "--ownership", "co_own",
                          PATH=path))
            self.assertEqual(row["outcome"], "exchanged")
            self.assertEqual(world.family("codex-cli")["spends"], 2)

    def test_the_configuration_says_who_may_spend_it(self):
        with RefreshWorld() as world:
            world.seed("codex-cli")
            configure(world, '{ownership: {"codex-cli": "co_own"}}')
            self.assertEqual(one(run(world, "--json", "refresh", "codex-cli"))["outcome"], "exchanged")

    def test_a_cli_s_login_is_never_adopted(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            before = login.file.read_bytes()
            error = error_of(run(world, "--json", "refresh", "kimi-cli", "--ownership", "adopt"), 1)
            self.assertEqual(error["code"], "unsupported")
            self.assertIn("credpool login kimi-cli", error["hint"])
            self.assertEqual(login.file.read_bytes(), before)

    def test_the_methods(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            self.assertEqual(error_of(run(world, "--json", "refresh", "kimi-cli", "--method", "cli-command"), 1)["code"],
                             "unsupported")
            self.assertEqual(run(world, "refresh", "kimi-cli", "--method", "made-up").returncode, USAGE)
            world.seed("codex-cli")
            error = error_of(run(world, "--json", "refresh", "codex-cli", "--method", "oauth-refresh"), 1)
            self.assertIn("--ownership co_own", error["hint"])
            # By a person: there is no terminal here.
            for method in ("manual", "api-key-web"):
                self.assertEqual(run(world, "--json", "refresh", "codex-cli", "--method", method).returncode, USAGE)
            self.assertEqual(one(run(world, "--json", "refresh", "kimi-cli", "--method", "oauth-refresh"))["outcome"],
                             "exchanged")


class Endpoints(unittest.TestCase):
    def test_the_configuration_moves_the_token_endpoint_and_the_client(self):
        with RefreshWorld() as world:
            world.seed("claude-cli")
            configure(world, '{oauth: {anthropic: {tokenUrl: "%s/v1/oauth/token"}}}' % world.address)
            self.assertEqual(one(run(world, "--json", "refresh", "claude-cli"))["outcome"], "exchanged")
            world.seed("claude-cli")
            configure(world, '{oauth: {anthropic: {tokenUrl: "%s/v1/oauth/token", clientId: "somebody-else"}}}' % world.address)
            done = run(world, "--json", "refresh", "claude-cli")
            self.assertEqual(error_of(done, USAGE)["code"], "configuration")  # the server does not know that client
            self.assertEqual(world.family("claude-cli")["spends"], 0)
            configure(world, '{oauth: {anthropic: {tokenUrl: "http://192.0.2.1/v1/oauth/token"}}}')
            self.assertEqual(run(world, "--json", "refresh", "claude-cli").returncode, USAGE)

    def test_the_cli_s_switches_lead_to_the_server(self):
        with RefreshWorld(tls=True) as world:
            for cli, path in (("kimi-cli", "/api/oauth/token"), ("codex-cli", "/oauth/token"),
                              ("qwen-cli", "/api/v1/oauth2/token")):  # by KIMI_..., CODEX_..., HTTPS_PROXY and the CA
                world.seed(cli)
                self.assertEqual(one(world.refresh(cli))["outcome"], "exchanged")
                self.assertEqual(world.counts()["requests"][path], 1)
            # Without the proxy's authority the server is not trusted; nothing goes out.
            world.seed("qwen-cli")
            environment = world.environment()
            for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
                del environment[name]
            done = subprocess.run([*program(), "--json", "refresh", "qwen-cli"], cwd=world.home, env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
            self.assertEqual(error_of(done, TRY_LATER)["code"], "tls")
            self.assertEqual(world.family("qwen-cli")["spends"], 0)


class BeforeLending(unittest.TestCase):
    def test_acquire_refreshes_before_it_refuses(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            done = run(world, "acquire", "--provider", "kimi-code", "--reveal")
            self.assertEqual(done.returncode, OK, done.stderr)
            self.assertEqual(done.stdout.strip(), world.stored("kimi-cli").access)
            self.assertEqual(world.family("kimi-cli")["spends"], 1)

    def test_exec_refreshes_before_it_refuses(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            done = run(world, "exec", "--provider", "kimi-code", "--variable", "LENT", "--", "sh", "-c", 'printf %s "$LENT"')
            self.assertEqual(done.returncode, OK, done.stderr)
            self.assertEqual(done.stdout, world.stored("kimi-cli").access)

    def test_a_refresh_that_fails_is_said(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            replace_file(login.file, login.file.read_text().replace(login.first.refresh, "made-up-refresh-token"))
            done = run(world, "acquire", "--provider", "kimi-code")
            self.assertEqual(done.returncode, 1)
            self.assertIn("the server no longer accepts it", done.stderr)
            self.assertIn("Next: kimi login, or: credpool login kimi-cli", done.stderr)


class Standing(unittest.TestCase):
    def test_check_does_not_cry_wolf(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli", left=100)
            self.assertEqual(run(world, "status", "--check").returncode, OK)
            world.age("kimi-cli")
            self.assertEqual(run(world, "status", "--check").returncode, OK)  # ended, and refreshable
            login = world.logins["kimi-cli"]
            data = json.loads(login.file.read_text())
            replace_file(login.file, json.dumps({**data, "refresh_token": "", "expires_at": time.time() + 3600}))
            self.assertEqual(run(world, "status", "--check").returncode, 2)
            replace_file(login.file, json.dumps({**data, "refresh_token": "", "access_token": ""}))
            self.assertEqual(run(world, "status", "--check").returncode, LOGIN_NEEDED)

    def test_a_dead_login_needs_a_person(self):
        with RefreshWorld() as world:
            login = world.seed("kimi-cli")
            replace_file(login.file, login.file.read_text().replace(login.first.refresh, "made-up-refresh-token"))
            self.assertEqual(run(world, "status", "--check").returncode, OK)
            world.refresh("kimi-cli")
            self.assertEqual(run(world, "status", "--check").returncode, LOGIN_NEEDED)
            shown = run(world, "status").stdout
            self.assertIn("refused its refresh token", shown)
            self.assertIn("Next: kimi login, or: credpool login kimi-cli", shown)
            entry, = json.loads(run(world, "--json", "status").stdout)["credentials"]
            self.assertEqual(entry["refresh"]["state"], "dead")
            self.assertIn("co_own", shown)
            self.assertIn("co_own", run(world, "scan").stdout)

    def test_a_journal_that_was_left_is_found(self):
        with RefreshWorld(proxy=True) as world:
            world.seed("kimi-cli")
            self.assertEqual(json.loads(run(world, "--json", "doctor").stdout)["ok"], True)
            world.proxy.plan("close_unsent")
            world.refresh("kimi-cli")
            found = json.loads(run(world, "--json", "doctor").stdout)["findings"]
            cut, = [each for each in found if "answer" in each["what"] and "lost" in each["what"]]
            self.assertIn("kimi-code.json", cut["where"])
            self.assertIn("credpool refresh kimi-code:default", cut["repair"])
            # An answer that lost against a newer login is kept until the next success.
            parked = world.logins["kimi-cli"].file.with_name(".credpool-kimi-code.json.parked-0011")
            parked.write_text("{}")
            parked.chmod(0o600)
            found = json.loads(run(world, "--json", "doctor").stdout)["findings"]
            kept, = [each for each in found if "newer" in each["what"]]
            self.assertIn("parked-0011", kept["where"])


if __name__ == "__main__":
    unittest.main()
