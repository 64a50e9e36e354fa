# SPDX-License-Identifier: MIT
"""RPC: the methods over a pool of their own (--stdio), settings that change while it lends, history by pages."""
import hashlib
import json
import os
import signal
import threading
import time
import unittest

from demo_world import World
from rpc_world import Refused, Serve, Stdio


def refused(call, *arguments, **params) -> Refused:
    try:
        call(*arguments, **params)
    except Refused as error:
        return error
    raise AssertionError("it was not refused")


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(demo=True).__enter__()
        cls.rpc = Stdio(cls.world)

    @classmethod
    def tearDownClass(cls):
        cls.rpc.end()
        cls.world.__exit__()

    def test_a_line_in_a_line_out(self):
        self.assertEqual(json.loads(self.rpc.raw('{"jsonrpc":"2.0","id":"a","method":"cooldown.list"}')),
                         {"jsonrpc": "2.0", "id": "a", "result": {"cooldowns": []}})
        batch = json.loads(self.rpc.raw('[{"jsonrpc":"2.0","id":1,"method":"cooldown.list"},'
                                        '{"jsonrpc":"2.0","method":"cooldown.list"},{"jsonrpc":"2.0","id":2,"method":"x"}]'))
        self.assertEqual([one["id"] for one in batch], [1, 2])
        self.assertEqual(batch[1]["error"]["code"], -32601)
        self.assertEqual(json.loads(self.rpc.raw("{"))["error"]["code"], -32700)
        self.assertEqual(json.loads(self.rpc.raw(" " * (2 << 20) + "{}"))["error"]["data"]["code"], "too_large")

    def test_what_is_unknown_is_answered_with_what_is_near(self):
        error = refused(self.rpc.call, "tokenDiscovery.stats")
        self.assertEqual((error.code, error.data["hint"]), (-32601, "did you mean tokenDiscovery.status?"))
        error = refused(self.rpc.call, "tokenDiscovery.status", clli="x")
        self.assertEqual((error.code, error.data["hint"]), (-32602, 'did you mean "cli"?'))
        error = refused(self.rpc.call, "tokenDiscovery.status", cli="nobody")
        self.assertEqual((error.code, error.data["code"]), (-32000, "invalid_argument"))

    def test_the_openrpc_document_describes_every_method(self):
        document = self.rpc.call("rpc.discover")
        self.assertEqual(document["openrpc"], "1.3.2")
        names = [method["name"] for method in document["methods"]]
        self.assertEqual(names, sorted(names))
        for name in ("scan", "status", "validate", "getHistory", "clearHistory", "importManual", "setDisabled",
                     "setImported", "getRotationToken", "endLease", "explain", "configure", "settings", "doctor"):
            self.assertIn(f"tokenDiscovery.{name}", names)
        for method in document["methods"]:
            self.assertTrue(method["summary"].endswith("."), method["name"])
            self.assertIn(method["x-scope"], ("read", "operate", "admin", "secrets"))
            self.assertEqual(method["paramStructure"], "by-name")

    def test_same_documents_as_the_commands(self):
        status = self.rpc.call("tokenDiscovery.status")
        printed = self.world.json("status")
        self.assertEqual([one["id"] for one in status["credentials"]], [one["id"] for one in printed["credentials"]])
        for one, other in zip(status["credentials"], printed["credentials"]):
            self.assertLessEqual(other.keys(), one.keys())
            for member in ("status", "places", "policy", "tokenHash"):
                self.assertEqual(one[member], other[member])
            for member in ("nextRefresh", "quota", "inFlight", "limit", "verdict"):
                self.assertIn(member, one)
        self.assertIn("kimi-cli", [cli["cli"] for cli in status["clis"]])
        self.assertEqual(len(status["strategies"]), 10)
        only = self.rpc.call("tokenDiscovery.status", cli=["kimi-cli"])
        self.assertEqual({one["cli"] for one in only["credentials"]}, {"kimi-cli"})
        explained = self.rpc.call("tokenDiscovery.explain", provider="openai")
        self.assertEqual(explained.keys(), self.world.run("--json", "explain", "--provider", "openai") and
                         json.loads(self.world.run("--json", "explain", "--provider", "openai").stdout).keys())
        simulated = self.rpc.call("pool.simulate", policies=["p2c", "priority"], requests=200, accounts=3)
        self.assertEqual({one["policy"] for one in simulated["policies"]}, {"p2c", "priority"})
        findings = self.rpc.call("tokenDiscovery.doctor")
        self.assertEqual(findings.keys(), {"ok", "findings"})

    def test_scan_finds_what_the_command_finds(self):
        found = self.rpc.call("tokenDiscovery.scan")
        self.assertEqual(found["version"], 1)
        self.assertEqual({one["id"] for one in found["credentials"]},
                         {one["id"] for one in self.world.json("scan")["credentials"]})
        self.assertGreater(self.rpc.call("tokenDiscovery.getHistory")["total"], 0)


class Lending(unittest.TestCase):
    def test_a_lease_is_counted_until_it_is_given_back(self):
        with World(demo=True) as world, Stdio(world) as rpc:
            usable = next(one for one in rpc.call("tokenDiscovery.status")["credentials"] if one["pool"]["eligible"])
            lease = rpc.call("tokenDiscovery.getRotationToken", pin=usable["id"])
            self.assertEqual(lease["id"], usable["id"])
            self.assertEqual("sha256:" + hashlib.sha256(lease["secret"].encode()).hexdigest(), usable["tokenHash"])

            def in_flight():
                return next(one["inFlight"] for one in rpc.call("tokenDiscovery.status")["credentials"]
                            if one["id"] == usable["id"])
            self.assertEqual(in_flight(), 1)
            ended = rpc.call("tokenDiscovery.endLease", lease=lease["lease"], outcome="rate_limited")
            self.assertEqual(ended["id"], usable["id"])
            self.assertEqual(in_flight(), 0)
            self.assertEqual(len(rpc.call("cooldown.list")["cooldowns"]), 1)
            self.assertEqual(refused(rpc.call, "tokenDiscovery.endLease", lease=lease["lease"]).data["code"], "not_found")
            error = refused(rpc.call, "tokenDiscovery.getRotationToken", pin=usable["id"])
            self.assertEqual(error.data["code"], "no_credential")
            self.assertIn("retryAt", error.data)
            self.assertEqual(rpc.call("cooldown.clear", credential=usable["id"]), {"cleared": 1})

    def test_a_lease_ends_by_itself(self):
        with World(demo=True) as world, Stdio(world) as rpc:
            rpc.call("tokenDiscovery.getRotationToken", ttlSeconds=1)
            until = time.monotonic() + 20
            while any(one["inFlight"] for one in rpc.call("tokenDiscovery.status")["credentials"]):
                self.assertLess(time.monotonic(), until)
                time.sleep(0.05)

    def test_switched_off_means_not_lent(self):
        with World(demo=True) as world, Stdio(world) as rpc:
            usable = next(one for one in rpc.call("tokenDiscovery.status")["credentials"] if one["pool"]["eligible"])
            rpc.call("tokenDiscovery.setDisabled", credential=usable["profileId"], value=True)
            verdict = {one["id"]: one["reason"] for one in rpc.call("tokenDiscovery.explain")["candidates"]}
            self.assertEqual(verdict[usable["id"]], "disabled")
            self.assertTrue(next(one for one in world.json("status")["credentials"] if one["id"] == usable["id"])["pool"]["disabled"])
            rpc.call("tokenDiscovery.setDisabled", credential=usable["profileId"], value=False)
            self.assertEqual(refused(rpc.call, "tokenDiscovery.setDisabled", credential="nobody", value=True).data["code"],
                             "not_found")

    def test_a_key_is_kept_sealed_and_never_echoed(self):
        secret = "sk-canary-rpc-import-0001-abcdefghij"
        with World(demo=True) as world, Stdio(world) as rpc:
            answer = rpc.call("tokenDiscovery.importManual", cli="codex-cli", token=secret, profile="spare", validate=False)
            self.assertEqual(answer["profileId"], "openai:spare")
            self.assertNotIn(secret, json.dumps(answer))
            lease = rpc.call("tokenDiscovery.getRotationToken", pin="openai:spare")
            self.assertEqual(lease["secret"], secret)
            self.assertEqual(refused(rpc.call, "tokenDiscovery.importManual", cli="codex-cli", token="two words").data["code"],
                             "malformed")
            error = refused(rpc.call, "tokenDiscovery.importManual", cli="codex-cli", token=secret, validate=False,
                            baseUrl="http://169.254.169.254/")
            self.assertEqual(error.data["code"], "invalid_argument")
            self.assertEqual(rpc.end()[0], 0)
            for path in world.home.rglob("*"):
                if path.is_file():
                    self.assertNotIn(secret.encode(), path.read_bytes(), path)


class SettingsThatChange(unittest.TestCase):
    def test_at_once_in_the_file_and_with_its_comments(self):
        with World(demo=True) as world:
            config = world.home / ".config/credpool/config.json5"
            before = config.read_text() if config.exists() else "{}"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text("// mine\n" + before)
            with Stdio(world) as rpc:
                self.assertNotEqual(rpc.call("tokenDiscovery.status")["strategy"], "priority")
                changed = rpc.call("tokenDiscovery.configure",
                                   patch={"rotationStrategy": "priority", "cliSources.qwen-cli.priority": 0})
                self.assertEqual({one["path"] for one in changed["changed"]}, {"rotationStrategy", "cliSources.qwen-cli.priority"})
                status = rpc.call("tokenDiscovery.status")
                self.assertEqual(status["strategy"], "priority")
                self.assertEqual(status["credentials"][0]["cli"], "qwen-cli")
                self.assertTrue(config.read_text().startswith("// mine\n"))
                rows = {row["path"]: row for row in rpc.call("tokenDiscovery.settings")["settings"]}
                self.assertEqual(rows["rotationStrategy"]["value"], "priority")
                self.assertIn("config.json5:", rows["rotationStrategy"]["origin"])
                self.assertTrue(rows["rotationStrategy"]["meaning"])
                rpc.call("tokenDiscovery.configure", patch={"rotationStrategy": None, "cliSources.qwen-cli.priority": None})
                self.assertEqual(rpc.call("tokenDiscovery.status")["strategy"], "round-robin")

    def test_a_dry_run_and_a_wrong_value_change_nothing(self):
        with World(demo=True) as world, Stdio(world) as rpc:
            config = world.home / ".config/credpool/config.json5"
            before = config.read_bytes() if config.exists() else None
            would = rpc.call("tokenDiscovery.configure", patch={"rotationStrategy": "p2c"}, dryRun=True)
            self.assertEqual(would["changed"][0]["after"], "p2c")
            error = refused(rpc.call, "tokenDiscovery.configure", patch={"autoImport": False, "rotationStrategy": "warp"})
            self.assertEqual(error.data["code"], "configuration")
            error = refused(rpc.call, "tokenDiscovery.configure", patch={"autoImprot": False})
            self.assertEqual(error.data["hint"], 'did you mean "autoImport"?')
            self.assertEqual(config.read_bytes() if config.exists() else None, before)
            self.assertEqual(rpc.call("tokenDiscovery.status")["strategy"], "least-used")

    def test_an_order_leaves_the_others_out_until_it_is_taken_back(self):
        with World(demo=True) as world, Stdio(world) as rpc:
            rpc.call("tokenDiscovery.importManual", cli="codex-cli", token="sk-order-a-0000000000000001", profile="a", validate=False)
            rpc.call("tokenDiscovery.importManual", cli="codex-cli", token="sk-order-b-0000000000000002", profile="b", validate=False)
            self.assertEqual(rpc.call("order.get"), {"order": {}})
            rpc.call("order.set", provider="openai", profiles=["openai:b"])
            self.assertEqual(rpc.call("order.get", provider="openai"), {"order": {"openai": ["openai:b"]}})
            reasons = {one["profileId"]: one["reason"] for one in rpc.call("tokenDiscovery.explain", provider="openai")["candidates"]}
            self.assertEqual(reasons["openai:a"], "excluded_by_order")
            self.assertEqual(reasons["openai:b"], "eligible")
            self.assertEqual(refused(rpc.call, "order.set", provider="openai", profiles=["nobody"]).data["code"], "not_found")
            rpc.call("order.clear", provider="openai")
            reasons = {one["profileId"]: one["reason"] for one in rpc.call("tokenDiscovery.explain", provider="openai")["candidates"]}
            self.assertEqual(reasons["openai:a"], "eligible")


class RunningServer(unittest.TestCase):
    def test_the_command_finds_it_and_prints_results(self):
        with World(demo=True) as world, Serve(world) as serve:
            self.assertEqual(serve.call("cooldown.list"), {"cooldowns": []})
            printed = world.run("rpc", "cooldown.list", check=True)
            self.assertEqual(json.loads(printed.stdout), {"cooldowns": []})
            status = serve.call("tokenDiscovery.status")
            self.assertEqual({one["id"] for one in status["credentials"]},
                             {one["id"] for one in world.json("status")["credentials"]})
            self.assertTrue(all(len(one["recent"]) == 60 for one in status["credentials"]))
            self.assertEqual(serve.call("cooldown.list", "--url", serve.place["url"]), {"cooldowns": []})
            self.assertEqual(serve.call("cooldown.list", "--url", f"unix:{serve.state}/gateway.sock"), {"cooldowns": []})
            (world.home / "params.json").write_text('{"cli": "kimi-cli"}')
            for params, stdin in (("@params.json", None), ("-", '{"cli": "kimi-cli"}')):
                done = world.run("rpc", "tokenDiscovery.status", "--params", params, stdin=stdin, check=True)
                self.assertEqual({one["cli"] for one in json.loads(done.stdout)["credentials"]}, {"kimi-cli"})

    def test_errors_are_those_of_the_other_commands(self):
        with World(demo=True) as world, Serve(world) as serve:
            error = serve.call("tokenDiscovery.setDisabled", code=1, credential="nobody", value=True)["error"]
            self.assertEqual((error["code"], error["retryAt"]), ("not_found", None))
            self.assertEqual(serve.call("tokenDiscovery.status", code=3, clli=1)["error"]["hint"], 'did you mean "cli"?')
            self.assertEqual(serve.call("nobody", code=1)["error"]["code"], "not_found")
            done = world.run("rpc", "tokenDiscovery.status", "--params", '{"clli": 1}')
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn('did you mean "cli"?', done.stderr)
            for params in ("[]", "{", "7"):
                self.assertEqual(world.run("rpc", "cooldown.list", "--params", params).returncode, 3)
            (world.home / "other.token").write_text("cpg-" + "x" * 43)
            os.chmod(world.home / "other.token", 0o600)
            done = world.run("--json", "rpc", "cooldown.list", "--token-file", "other.token")
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "unauthorized")
            done = world.run("--json", "rpc", "cooldown.list", "--url", "https://127.0.0.1:1")
            self.assertIn("--token-file", json.loads(done.stdout)["error"]["hint"])

    def test_without_a_server_it_says_how_to_start_one(self):
        with World(demo=True) as world:
            done = world.run("rpc", "tokenDiscovery.status")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("credpool serve", done.stderr)
            with Serve(world) as serve:
                serve.call("cooldown.list")
            self.assertIn("credpool serve", world.run("rpc", "tokenDiscovery.status").stderr)
            # One that was killed has left its files behind.
            with Serve(world) as serve:
                kept = (serve.state / "gateway.json").read_text()
            (serve.state / "gateway.json").write_text(kept)
            self.assertIn("credpool serve", world.run("rpc", "tokenDiscovery.status").stderr)
            self.assertEqual(world.run("rpc").returncode, 3)

    def test_sighup_reads_the_settings_again_or_keeps_the_old_ones(self):
        with World(demo=True) as world, Serve(world) as serve:
            config = world.home / ".config/credpool/config.json5"
            before = config.read_text()

            def strategy_after(text: str, wanted: str) -> None:
                config.write_text(text)
                serve.process.send_signal(signal.SIGHUP)
                until = time.monotonic() + 20
                while serve.call("tokenDiscovery.status")["strategy"] != wanted:
                    self.assertLess(time.monotonic(), until, serve.log())
                    time.sleep(0.1)
            put = before.replace("least-used", "fill-first")
            self.assertNotEqual(put, before)
            strategy_after(put, "fill-first")
            config.write_text(put.replace("fill-first", "fill-frist"))
            serve.process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 20
            while "fill-first" not in serve.log():
                self.assertLess(time.monotonic(), until, serve.log())
                time.sleep(0.1)
            self.assertIn("going on with the settings there were", serve.log())
            self.assertEqual(serve.call("tokenDiscovery.status")["strategy"], "fill-first")
            strategy_after(put.replace("fill-first", "p2c"), "p2c")

    def test_several_at_once_while_settings_change(self):
        """Status, scans, leases and changes of the policy beside each other: every call is answered."""
        with World(demo=True) as world, Serve(world) as serve:
            faults, calls = [], []
            until = time.monotonic() + 5

            def ask(*asked):
                while time.monotonic() < until:
                    for method, params in asked:
                        try:
                            calls.append((method, serve.post(method, **params)))
                        except (Refused, OSError) as error:
                            faults.append((method, error))
                            return

            def change():
                names = ["p2c", "priority", "least-used", "fill-first"]
                while time.monotonic() < until:
                    for name in names:
                        ask_once = serve.post("tokenDiscovery.configure", patch={"rotationStrategy": name})
                        calls.append(("tokenDiscovery.configure", ask_once))
            threads = [threading.Thread(target=change),
                       threading.Thread(target=ask, args=(("tokenDiscovery.status", {}), ("tokenDiscovery.explain", {}))),
                       threading.Thread(target=ask, args=(("tokenDiscovery.scan", {}), ("tokenDiscovery.settings", {}))),
                       threading.Thread(target=ask, args=(("tokenDiscovery.getRotationToken", {"ttlSeconds": 1}),))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(faults, [])
            self.assertEqual({method.partition(".")[2] for method, _ in calls},
                             {"configure", "status", "explain", "scan", "settings", "getRotationToken"})
            strategy = serve.call("tokenDiscovery.configure", patch={"rotationStrategy": "p2c"})["settings"][0]["value"]
            self.assertEqual((strategy, serve.call("tokenDiscovery.status")["strategy"]), ("p2c", "p2c"))

    def test_what_changes_is_told_as_an_event(self):
        with World(demo=True) as world, Serve(world) as serve:
            with serve.events() as events:
                usable = next(one for one in serve.call("tokenDiscovery.status")["credentials"] if one["pool"]["eligible"])
                serve.call("tokenDiscovery.configure", patch={"rotationStrategy": "p2c"})
                self.assertEqual(events.wait_for("settings.changed")["changed"][0]["after"], "p2c")
                serve.call("tokenDiscovery.setDisabled", credential=usable["id"], value=True)
                self.assertEqual(events.wait_for("credential.changed")["reason"], "disabled")
                serve.call("tokenDiscovery.setDisabled", credential=usable["id"], value=False)
                lease = serve.call("tokenDiscovery.getRotationToken", pin=usable["id"])["lease"]
                self.assertEqual(events.wait_for("leases")["credentials"][0]["id"], usable["id"])
                serve.call("tokenDiscovery.endLease", lease=lease, outcome="rate_limited")
                self.assertEqual(events.wait_for("credential.cooling")["reason"], "rate_limit")
                serve.call("cooldown.clear")
                self.assertEqual(events.wait_for("credential.recovered")["id"], usable["id"])
                serve.call("tokenDiscovery.scan")
                self.assertGreater(events.wait_for("scan.finished")["found"], 0)

    def test_the_token_stands_in_no_command_line_and_no_environment(self):
        with World(demo=True) as world, Serve(world) as serve:
            token = (serve.state / "gateway.token").read_text().strip().encode()
            serve.call("tokenDiscovery.doctor")
            for part in ("cmdline", "environ"):
                with open(f"/proc/{serve.process.pid}/{part}", "rb") as file:
                    self.assertNotIn(token, file.read())
            self.assertNotIn(token.decode(), serve.log())


class LongHistory(unittest.TestCase):
    def test_a_hundred_thousand_entries_by_pages(self):
        with World(demo=True) as world:
            path = world.home / "history.json"
            entries = [{"cli": "kimi-cli" if i % 2 else "codex-cli", "provider": "p", "profileId": f"p:user{i}",
                        "detectedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + i)),
                        "usageCount": i, "tokenHash": "sha256:" + f"{i:064x}", "status": "active",
                        "consecutiveFailures": 0} for i in range(100_000)]
            path.write_text(json.dumps({"version": 1, "discovered": entries}))
            os.chmod(path, 0o600)
            with Stdio(world, CREDPOOL_HISTORY_PATH=str(path)) as rpc:
                first = rpc.call("tokenDiscovery.getHistory", verify=False)
                self.assertEqual((first["total"], first["matching"], len(first["entries"])), (100_000, 100_000, 100))
                self.assertEqual(first["entries"][0]["profileId"], "p:user99999")
                page = rpc.call("tokenDiscovery.getHistory", offset=99_950, verify=False)
                self.assertEqual(len(page["entries"]), 50)
                oldest = rpc.call("tokenDiscovery.getHistory", order="oldest", limit=1, verify=False)
                self.assertEqual(oldest["entries"][0]["profileId"], "p:user0")
                found = rpc.call("tokenDiscovery.getHistory", text="USER4711", cli="kimi-cli", verify=False)
                self.assertEqual({one["cli"] for one in found["entries"]}, {"kimi-cli"})
                self.assertEqual(found["matching"], 6)  # 4711, and 47111 47113 47115 47117 47119
                self.assertEqual(rpc.call("tokenDiscovery.clearHistory"), {"removed": 100_000})
                self.assertEqual(rpc.call("tokenDiscovery.getHistory")["total"], 0)


if __name__ == "__main__":
    unittest.main()
