# SPDX-License-Identifier: MIT
"""Refreshes that a remote person takes part in: each method to its end, and everything that can be wrong on the way."""
import contextlib
import http.server
import json
import os
import pathlib
import threading
import time
import unittest
import urllib.parse
import urllib.request

from refresh_world import RefreshWorld
from rpc_world import Refused, Stdio
from test_login import own_files, say_yes, set_claude_server

GOOD, BAD = "sk-fake-0123456789-good-abcdefgh", "sk-fake-0123456789-bad-abcdefghi"
ENDED = ("done", "failed", "cancelled")


class Rpc(Stdio):
    """The same, for parameters of any name."""

    def call(self, name: str, /, **params):
        self.number += 1
        answer = json.loads(self.raw(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": name, "params": params})))
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


class Provider(http.server.ThreadingHTTPServer):
    """Knows one key."""
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            good = GOOD in (self.headers.get("Authorization") or "") + (self.headers.get("x-api-key") or "")
            body = json.dumps({"object": "list", "data": []} if good else
                              {"error": {"message": f"Incorrect API key provided: {BAD[:8]}***", "code": "invalid_api_key"}})
            self.send_response(200 if good else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass


@contextlib.contextmanager
def provider():
    server = Provider(("127.0.0.1", 0), Provider.Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configure(world, **settings) -> None:
    config = world.home / ".config/credpool/config.json5"
    config.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    config.write_text(json.dumps(settings))


def put_program(world, name: str, script: str) -> dict:
    """A program on the path; the variables to find it."""
    folder = world.root / "bin"
    folder.mkdir(exist_ok=True, mode=0o755)
    (folder / name).write_text("#!/usr/bin/python3 -S\nimport json, os, sys, time\n" + script)
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


CODEX_FILE = """
def log_in():
    place = os.path.join(os.environ['HOME'], '.codex')
    os.makedirs(place, mode=0o700, exist_ok=True)
    with open(os.path.join(place, 'auth.json'), 'w') as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump({'OPENAI_API_KEY': '%s', 'tokens': None, 'last_refresh': None}, file)
""" % GOOD


class Flows(unittest.TestCase):
    def until(self, rpc, flow: dict, *states, seconds=30, **members) -> dict:
        """The flow as soon as it is in one of the states, with these members."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            flow = rpc.call("tokenDiscovery.flow", id=flow["id"])
            self.assertNotIn(GOOD[8:20], json.dumps(flow))
            if flow["state"] in states and all(flow[name] == value for name, value in members.items()):
                return flow
            if flow["state"] in ENDED:
                break
            time.sleep(0.05)
        self.fail(f"never {states} {members}: {json.dumps(flow, indent=1)}")

    def begin(self, rpc, cli: str, method: str, **more) -> dict:
        return rpc.call("tokenDiscovery.refreshToken", cli=cli, method=method, **more)["flow"]

    def give(self, rpc, flow: dict, text: str) -> dict:
        return rpc.call("tokenDiscovery.flowInput", id=flow["id"], text=text)

    def names(self, rpc) -> dict:
        return {entry["profileId"]: entry for entry in rpc.call("tokenDiscovery.status")["credentials"]}

    def assert_kept(self, rpc, flow: dict, **members) -> dict:
        """It is done, and what came of it is lent from now on."""
        done = self.until(rpc, flow, "done")
        entry = self.names(rpc)[done["result"]["profileId"]]
        self.assertEqual((entry["id"], entry["tokenHash"]), (done["result"]["id"], done["result"]["tokenHash"]))
        self.assertEqual((entry["usable"], entry["pool"]["imported"]), (True, True))
        self.assertIsNotNone(done["endedAt"])
        for name, value in members.items():
            self.assertEqual(entry[name], value)
        hashes = [row["tokenHash"] for row in rpc.call("tokenDiscovery.getHistory")["entries"]]
        self.assertIn(entry["tokenHash"], hashes)
        return done


class Methods(Flows):
    def test_what_is_offered(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            configure(world, ownership={"kimi-cli": "co_own"})
            with Rpc(world, PATH="/usr/bin:/bin") as rpc:
                offer = rpc.call("tokenDiscovery.refreshMethods", cli="kimi-cli")
                self.assertEqual([m["name"] for m in offer["methods"]],
                                 ["oauth-refresh", "oauth-device", "api-key-web", "manual", "cli-command"])
                self.assertEqual([m["recommended"] for m in offer["methods"]], [True, False, False, False, False])
                command = offer["methods"][-1]
                self.assertEqual((command["available"], command["command"]), (False, "kimi login"))
                self.assertIn("PATH", command["why"])
                self.assertEqual(offer["methods"][2]["url"], "https://www.kimi.com/code/console")
                none = rpc.call("tokenDiscovery.refreshMethods", cli="claude-cli")
                self.assertFalse(next(m for m in none["methods"] if m["name"] == "oauth-refresh")["available"])
                self.assertEqual(next(m for m in none["methods"] if m["recommended"])["name"], "oauth-browser")
                with self.assertRaises(Refused) as refused:
                    rpc.call("tokenDiscovery.refreshMethods", cli="nobody")
                self.assertEqual(refused.exception.data["code"], "invalid_argument")
                with self.assertRaises(Refused) as refused:
                    rpc.call("tokenDiscovery.refreshToken", cli="kimi-cli", method="cli-command")
                self.assertEqual(refused.exception.data["code"], "unsupported")

    def test_without_a_person_there_is_no_flow(self):
        with RefreshWorld() as world:
            world.seed("kimi-cli")
            configure(world, ownership={"kimi-cli": "co_own"})
            with Rpc(world) as rpc:
                entry, = self.names(rpc).values()
                row = rpc.call("tokenDiscovery.refreshToken", cli="kimi-cli", tokenHash=entry["tokenHash"])
                self.assertEqual((row["outcome"], row["id"]), ("exchanged", entry["id"]))
                self.assertEqual(self.names(rpc)[entry["profileId"]]["tokenHash"], row["tokenHash"])
                self.assertEqual(self.names(rpc)[entry["profileId"]]["usable"], True)
                self.assertEqual((world.family("kimi-cli")["spends"], world.family("kimi-cli")["reuse"]), (1, 0))
                again = rpc.call("tokenDiscovery.refreshToken", cli="kimi-cli", method="oauth-refresh")
                self.assertEqual(again["outcome"], "still_fresh")
                with self.assertRaises(Refused) as refused:  # its token is another one by now
                    rpc.call("tokenDiscovery.refreshToken", cli="kimi-cli", tokenHash=entry["tokenHash"])
                self.assertEqual(refused.exception.data["code"], "not_found")
                self.assertEqual(rpc.call("tokenDiscovery.flows"), {"flows": []})

    def test_a_device_login(self):
        with RefreshWorld() as world:
            world.set(interval=1)
            with Rpc(world) as rpc:
                flow = self.begin(rpc, "kimi-cli", "oauth-device", profile="work")
                shown = self.until(rpc, flow, "person")
                self.assertRegex(shown["userCode"], r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")
                self.assertTrue(shown["url"].startswith(world.address), shown)
                self.assertIsNone(shown["question"])
                with self.assertRaises(Refused) as refused:
                    self.give(rpc, flow, "nobody asked")
                self.assertEqual(refused.exception.data["code"], "conflict")
                with self.assertRaises(Refused) as refused:
                    self.begin(rpc, "kimi-cli", "manual")
                self.assertEqual(refused.exception.data["code"], "busy")
                world.ask("/__approve", {"user_code": shown["userCode"]})
                done = self.assert_kept(rpc, flow, ownership="adopt", kind="oauth")
                self.assertEqual(done["result"]["profileId"], "kimi-code:work")
                # The person says no.
                flow = self.until(rpc, self.begin(rpc, "kimi-cli", "oauth-device"), "person")
                world.ask("/__deny", {"user_code": flow["userCode"]})
                failed = self.until(rpc, flow, "failed")
                self.assertEqual(failed["error"]["code"], "cancelled")
                self.assertEqual(len(self.names(rpc)), 1)

    def test_a_device_login_that_is_cancelled_or_finds_no_server(self):
        with RefreshWorld() as world:
            with Rpc(world) as rpc:
                flow = self.until(rpc, self.begin(rpc, "kimi-cli", "oauth-device"), "person")
                begin = time.monotonic()
                ended = rpc.call("tokenDiscovery.cancelFlow", id=flow["id"])
                self.assertEqual((ended["state"], ended["error"], ended["result"]), ("cancelled", None, None))
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual(self.names(rpc), {})
                # The end of the server ends what is under way.
                self.until(rpc, self.begin(rpc, "kimi-cli", "oauth-device"), "person")
                begin = time.monotonic()
                self.assertEqual(rpc.end()[0], 0)
                self.assertLess(time.monotonic() - begin, 10)
            with Rpc(world, KIMI_CODE_OAUTH_HOST="http://127.0.0.1:9") as rpc:
                failed = self.until(rpc, self.begin(rpc, "kimi-cli", "oauth-device"), "failed")
                self.assertEqual(failed["error"]["code"], "network")
            self.assertEqual([file for file in own_files(world) if file.parent.name == "logins"], [])

    def test_a_browser_that_comes_back_by_itself(self):
        with RefreshWorld() as world:
            set_claude_server(world)
            with Rpc(world) as rpc:
                flow = self.until(rpc, self.begin(rpc, "claude-cli", "oauth-browser"), "person")
                came = say_yes(flow["url"], world.address)
                self.assertTrue(came.startswith("http://localhost:"), came)
                direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with direct.open(came, timeout=20) as answer:
                    self.assertEqual(answer.status, 200)
                self.assert_kept(rpc, flow, ownership="adopt")

    def test_a_browser_of_another_machine_while_the_listener_waits(self):
        with RefreshWorld() as world:
            set_claude_server(world)
            with Rpc(world) as rpc:
                flow = self.until(rpc, self.begin(rpc, "claude-cli", "oauth-browser"), "person")
                self.assertIn("paste", flow["question"])
                came = say_yes(flow["url"], world.address)
                code = urllib.parse.parse_qs(urllib.parse.urlsplit(came).query)["code"][0]
                self.give(rpc, flow, came.split("?")[0] + "?code=made-up-code&state=another")
                self.until(rpc, flow, "person", problem="That is not the answer to this login.")
                self.assertNotIn("made-up-code", json.dumps(self.give(rpc, flow, came)))
                self.assertNotIn(code, json.dumps(self.assert_kept(rpc, flow, ownership="adopt")))

    def test_a_browser_whose_answer_is_pasted(self):
        with RefreshWorld() as world:
            set_claude_server(world)
            with Rpc(world) as rpc:
                flow = self.begin(rpc, "claude-cli", "oauth-browser", **{"return": "paste"})
                flow = self.until(rpc, flow, "input")
                came = say_yes(flow["url"], world.address)
                self.give(rpc, flow, "https://platform.claude.com/oauth/code/callback?code=x&state=y")
                self.until(rpc, flow, "input", problem="That is not the answer to this login.")
                self.give(rpc, flow, came)
                self.assert_kept(rpc, flow, ownership="adopt")

    def test_a_key_is_checked_before_it_is_kept(self):
        for method, first_problem in (("api-key-web", "too short"), ("manual", "one word")):
            with self.subTest(method=method), RefreshWorld() as world, provider() as server:
                configure(world, baseUrls={"openai": server})
                with Rpc(world) as rpc:
                    flow = self.until(rpc, self.begin(rpc, "codex-cli", method, profile="mine"), "input")
                    if method == "api-key-web":
                        self.assertEqual(flow["url"], "https://platform.openai.com/api-keys")
                    self.give(rpc, flow, "two words" if method == "manual" else "short")
                    flow = self.until(rpc, flow, "input")
                    deadline = time.monotonic() + 20
                    while first_problem not in (flow["problem"] or "") and time.monotonic() < deadline:
                        flow = self.until(rpc, flow, "input", "working")
                    self.assertIn(first_problem, flow["problem"])
                    self.give(rpc, flow, BAD)
                    deadline = time.monotonic() + 20
                    while "nothing was kept" not in (flow["problem"] or "") and time.monotonic() < deadline:
                        flow = self.until(rpc, flow, "input", "working")
                    self.assertIn("the provider says that it is not good", flow["problem"])
                    self.assertEqual(self.names(rpc), {})
                    flow = self.until(rpc, flow, "input")
                    self.give(rpc, flow, f"  {GOOD}\n")
                    done = self.assert_kept(rpc, flow)
                    self.assertEqual(done["result"]["profileId"], "openai:mine")
                    everything = json.dumps(rpc.call("tokenDiscovery.flows"))
                    for secret in (GOOD, BAD):
                        self.assertNotIn(secret[8:], everything)
                        for file in own_files(world):
                            self.assertNotIn(secret[8:].encode(), file.read_bytes(), file)

    def test_the_third_wrong_key_ends_it(self):
        with RefreshWorld() as world:
            with Rpc(world) as rpc:
                flow = self.until(rpc, self.begin(rpc, "codex-cli", "manual"), "input")
                for _ in range(3):
                    self.give(rpc, flow, "two words")
                    time.sleep(0.3)
                failed = self.until(rpc, flow, "failed")
                self.assertEqual(failed["error"]["code"], "malformed")

    def test_a_key_that_the_cli_gets_by_itself(self):
        with RefreshWorld() as world:
            with Rpc(world) as rpc:
                flow = self.until(rpc, self.begin(rpc, "codex-cli", "api-key-web"), "input")
                place = world.home / ".codex"
                place.mkdir(mode=0o700)
                (place / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": GOOD, "tokens": None}))
                (place / "auth.json").chmod(0o600)
                self.assert_kept(rpc, flow, cli="codex-cli")


class OwnLoginOfTheCli(Flows):
    def test_its_output_is_followed_and_its_file_read(self):
        script = CODEX_FILE + """
assert sys.argv[1:] == ['login', '--device-auth'] and sys.stdout.isatty() and 'OPENAI_API_KEY' not in os.environ
print('\\x1b[1mWelcome\\x1b[0m \\x1b]0;title\\x07to Codex')
print('Open https://auth.openai.com/codex/device?lang=en in a browser and enter ABCD-12345')
print('debug: token=sk-live-abcdefghijklmnop0123456789')
for i in range(300): print('waiting', i)
sys.stdout.flush()
while not os.path.exists(os.environ['HOME'] + '/go'): time.sleep(0.05)
log_in()
print('Successfully logged in')
"""
        with RefreshWorld() as world:
            with Rpc(world, **put_program(world, "codex", script), OPENAI_API_KEY="sk-of-the-environment-000") as rpc:
                flow = self.begin(rpc, "codex-cli", "cli-command")
                self.assertEqual(flow["command"], "codex login --device-auth")
                flow = self.until(rpc, flow, "person", userCode="ABCD-12345")
                self.assertEqual(flow["url"], "https://auth.openai.com/codex/device?lang=en")
                deadline = time.monotonic() + 20
                while "waiting 299" not in flow["lines"] and time.monotonic() < deadline:
                    flow = self.until(rpc, flow, "person")
                self.assertEqual(len(flow["lines"]), 200)
                (world.home / "go").touch()
                done = self.assert_kept(rpc, flow, cli="codex-cli", kind="api_key")
                self.assertEqual(done["lines"][-1], "Successfully logged in")
                shown = json.dumps(rpc.call("tokenDiscovery.flows"))
                self.assertNotIn("\\u001b", shown)
                self.assertNotIn("abcdefghijklmnop", shown)

    def test_it_may_ask(self):
        script = CODEX_FILE + """
said = input('Paste code here if prompted > ')
print('you said', said)
if said == 'right-answer-0123': log_in()
sys.exit(0 if said == 'right-answer-0123' else 'wrong: ' + said)
"""
        with RefreshWorld() as world:
            with Rpc(world, **put_program(world, "codex", script)) as rpc:
                flow = self.until(rpc, self.begin(rpc, "codex-cli", "cli-command"), "input",
                                  question="Paste code here if prompted >")
                self.give(rpc, flow, "wrong-answer-0123")
                failed = self.until(rpc, flow, "failed")
                self.assertEqual(failed["error"]["code"], "login_needed")
                self.assertIn("you said ***", failed["lines"])
                self.assertNotIn("wrong-answer", json.dumps(failed))
                flow = self.until(rpc, self.begin(rpc, "codex-cli", "cli-command"), "input")
                self.give(rpc, flow, "right-answer-0123")
                self.assert_kept(rpc, flow)

    def test_cancel_ends_the_program(self):
        script = "open(os.environ['HOME'] + '/pid', 'w').write(str(os.getpid()))\nprint('ready', flush=True)\ntime.sleep(600)\n"
        with RefreshWorld() as world:
            with Rpc(world, **put_program(world, "codex", script)) as rpc:
                flow = self.begin(rpc, "codex-cli", "cli-command")
                self.until(rpc, flow, "working", lines=["ready"])
                process = pathlib.Path("/proc") / (world.home / "pid").read_text()
                self.assertTrue(process.exists())
                self.assertEqual(rpc.call("tokenDiscovery.cancelFlow", id=flow["id"])["state"], "cancelled")
                self.assertFalse(process.exists())

    def test_one_that_needs_a_terminal_is_left_to_the_person(self):
        with RefreshWorld() as world:
            with Rpc(world, **put_program(world, "gemini", "sys.exit('never run')\n"), GEMINI_CLI_HOME="") as rpc:
                flow = self.until(rpc, self.begin(rpc, "gemini-cli", "cli-command"), "person", command="gemini")
                self.assertTrue(any("in a terminal" in line for line in flow["lines"]), flow)
                place = world.home / ".gemini"
                place.mkdir(mode=0o700)
                (place / "oauth_creds.json").write_text(json.dumps({
                    "access_token": "ya29.fake-0123456789-abcdefgh", "refresh_token": "1//fake-0123456789-abcdefgh",
                    "scope": "openid", "token_type": "Bearer", "expiry_date": int((time.time() + 3000) * 1000)}))
                (place / "oauth_creds.json").chmod(0o600)
                self.assert_kept(rpc, flow, cli="gemini-cli")


if __name__ == "__main__":
    unittest.main()
