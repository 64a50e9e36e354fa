# SPDX-License-Identifier: MIT
"""credpool scan over an empty home and over the demo world."""
import os
import pathlib
import re
import stat
import unittest

from demo_world import World

ENTRY = {"id", "cli", "provider", "profileId", "kind", "status", "reason", "detail", "usable",
         "expiresAt", "refreshAt", "refreshable", "tokenHash", "ownership", "account", "plan",
         "baseUrl", "places"}
SECRETS = ["demo-kimi-valid-access", "demo-kimi-valid-refresh", "demo-moonshot-valid-key",
           "demo-codex-valid-refresh", "sk-sp-demo-valid", "ya29.demo-gemini", "demo-gemini-valid-key",
           "sk-ant-oat01-demo-valid", "sk-ant-ort01-demo-valid", "sk-or-v1-demo-limited",
           "gho_demo_valid", "ghu_demo_noseat", "sgamp_demo_valid", "demo-grok-valid",
           "sk-demo-openai-revoked", "sk-ant-api03-demo-valid", "demo-adc-refresh"]


class Scan(unittest.TestCase):
    def assert_no_secret(self, text: str):
        for secret in SECRETS:
            self.assertNotIn(secret, text)

    def test_an_empty_home_says_where_it_looked_and_what_to_do(self):
        with World() as world:
            done = world.run("scan")
            self.assertEqual(done.returncode, 1)
            self.assertIn("credpool demo", done.stdout)
            document = world.json("scan", code=1)
            self.assertEqual(document["credentials"], [])
            names = {entry["cli"] for entry in document["clis"]}
            for cli in ("kimi-cli", "kimi-code", "codex-cli", "qwen-cli", "gemini-cli",
                        "claude-cli", "opencode"):
                self.assertIn(cli, names)
            for entry in document["clis"]:
                self.assertEqual(set(entry), {"cli", "provider", "program", "login", "environment"})
                self.assertEqual(set(entry["login"]), {"found", "files", "looked"})

    def test_the_demo_world_has_a_login_of_every_cli(self):
        with World(demo=True) as world:
            document = world.json("scan")
            found = {entry["cli"] for entry in document["credentials"]}
            for cli in ("kimi-cli", "kimi-code", "codex-cli", "qwen-cli", "gemini-cli",
                        "claude-cli", "opencode", "gh", "copilot-editors", "gcloud-adc", "cursor-cli",
                        "amp", "grok", "droid"):
                self.assertIn(cli, found)
            for entry in document["credentials"]:
                self.assertTrue(ENTRY <= set(entry), ENTRY - set(entry))
                self.assertTrue(entry["places"])
                if entry["usable"]:
                    self.assertRegex(entry["tokenHash"], r"^sha256:[0-9a-f]{64}$")
                else:
                    self.assertTrue(entry["reason"], entry)
            profiles = [entry["profileId"] for entry in document["credentials"]]
            self.assertEqual(len(profiles), len(set(profiles)))
            self.assert_no_secret(str(document))

    def test_programs_are_found_by_path_and_links_in_it(self):
        with World() as world:
            def directory(name: str, *programs: str) -> pathlib.Path:
                folder = world.home / name
                folder.mkdir()
                for program in programs:
                    (folder / program).write_text("#!/bin/sh\n")
                    (folder / program).chmod(0o755)
                return folder

            early, late, link = directory("early", "codex"), directory("late", "codex", "qwen"), directory("link")
            (link / "claude").symlink_to(late / "qwen")
            (early / "kimi").write_text("nobody may run it\n")
            (world.home / "again").symlink_to(early)
            path = ":".join(map(str, (world.home / "missing", early, world.home / "again", link, late, early, "relative")))
            found = {entry["cli"]: entry["program"] for entry in world.json("scan", code=1, PATH=path)["clis"]}
            self.assertEqual(found["codex-cli"], str(early / "codex"))
            self.assertEqual(found["claude-cli"], str(link / "claude"))
            self.assertEqual(found["qwen-cli"], str(late / "qwen"))
            self.assertIsNone(found["kimi-cli"])

    def test_states_are_told_apart(self):
        with World(demo=True) as world:
            by_place = {place["location"].removeprefix(str(world.home) + "/"): entry
                        for entry in world.json("scan")["credentials"] for place in entry["places"]
                        if not place["pointer"]}
            kimi = by_place[".kimi/credentials/kimi-code.json"]
            self.assertEqual((kimi["status"], kimi["usable"]), ("active", True))
            second = by_place[".kimi-code/credentials/kimi-code.json"]
            self.assertEqual((second["status"], second["reason"]), ("expired", "refreshable"))
            tombstone = by_place[".kimi-code/credentials/kimi-code-env-0e4f99c69cc27850.json"]
            self.assertEqual((tombstone["status"], tombstone["reason"]), ("needs_login", "signed_out"))
            broken = by_place[".kimi-code/credentials/kimi-code-env-657f7f111e019602.json"]
            self.assertEqual((broken["status"], broken["reason"]), ("invalid", "malformed"))
            qwen = by_place[".qwen/oauth_creds.json"]
            self.assertEqual((qwen["reason"], qwen["usable"]), ("service_ended", False))

    def test_one_token_in_two_places_is_one_credential(self):
        with World(demo=True) as world:
            claude = [entry for entry in world.json("scan")["credentials"]
                      if any(".claude/.credentials.json" in place["location"] for place in entry["places"])]
            self.assertEqual(len(claude), 1)
            self.assertTrue(any("opencode/auth.json" in place["location"]
                                for place in claude[0]["places"]), claude[0]["places"])

    def test_one_cli_only(self):
        with World(demo=True) as world:
            document = world.json("scan", "--cli", "kimi-cli")
            self.assertEqual({entry["cli"] for entry in document["credentials"]}, {"kimi-cli"})
            done = world.run("scan", "--cli", "kimi-clii")
            self.assertEqual(done.returncode, 3)
            self.assertIn("kimi-cli", done.stderr)

    def test_a_key_in_the_environment_is_found(self):
        with World() as world:
            document = world.json("scan", OPENAI_API_KEY="sk-demo-valid-from-environment")
            self.assertEqual([(e["cli"], e["provider"], e["places"][0]["location"])
                              for e in document["credentials"]],
                             [("env", "openai", "env:OPENAI_API_KEY")])
            codex = next(entry for entry in document["clis"] if entry["cli"] == "codex-cli")
            self.assertEqual(codex["environment"], ["OPENAI_API_KEY"])
            self.assertFalse(codex["login"]["found"])

    def test_discovery_changes_nothing(self):
        with World(demo=True) as world:
            def picture():
                return {str(path.relative_to(world.home)): (path.stat().st_mtime_ns, path.read_bytes())
                        for path in sorted(world.home.rglob("*"))
                        if path.is_file() and ".local/state" not in str(path)
                        and "cli-token-history" not in path.name}
            before = picture()
            world.json("scan")
            self.assertEqual(picture(), before)

    def test_validation_asks_the_provider_and_tells_the_answers_apart(self):
        with World(demo=True, provider=True) as world:
            document = world.json("scan", "--validate")
            by_hash = {entry["profileId"]: entry for entry in document["credentials"]}
            reasons = {(entry["cli"], entry["provider"]): entry["reason"]
                       for entry in document["credentials"]}
            revoked = [entry for entry in document["credentials"] if entry["reason"] == "rejected"]
            self.assertEqual([entry["provider"] for entry in revoked], ["openai"], by_hash)
            self.assertEqual(reasons[("copilot-editors", "github-copilot")], "no_subscription")
            limited = [entry for entry in document["credentials"] if entry["reason"] == "out_of_quota"]
            self.assertEqual({entry["provider"] for entry in limited}, {"openrouter"})
            kimi = next(entry for entry in document["credentials"]
                        if entry["cli"] == "kimi-cli" and entry["kind"] == "oauth")
            self.assertEqual(kimi["validation"]["verdict"], "valid")
            # What has no seat or no allowance left rests, in later processes too.
            spent = {entry["id"] for entry in document["credentials"]
                     if entry["reason"] in ("no_subscription", "out_of_quota")}
            resting = {entry["id"]: entry["reason"] for entry in world.json("explain")["candidates"]}
            self.assertEqual({resting[id] for id in spent}, {"quota_exhausted"})

    def test_what_the_provider_refuses_is_not_imported(self):
        with World(demo=True, provider=True) as world:
            document = world.json("scan", "--import")
            refused = {entry["id"] for entry in document["credentials"] if entry["reason"] == "rejected"}
            self.assertTrue(refused)
            self.assertTrue(document["imported"])
            self.assertFalse(refused & set(document["imported"]))

    def test_everything_of_ours_is_private(self):
        with World(demo=True) as world:
            os.umask(0)
            try:
                world.json("scan", "--import")
            finally:
                os.umask(0o022)
            ours = list((world.home / ".local/state/credpool").rglob("*"))
            self.assertTrue(ours)
            for path in ours:
                mode = stat.S_IMODE(path.stat().st_mode)
                self.assertEqual(mode, 0o700 if path.is_dir() else 0o600, path)
                if path.is_file():
                    data = path.read_bytes()
                    for secret in SECRETS:
                        self.assertNotIn(secret.encode(), data, path)

    def test_the_text_for_a_person(self):
        with World(demo=True) as world:
            code, screen = world.in_terminal("scan", columns=110)
            self.assertEqual(code, 0, screen)
            self.assertIn("\x1b[32mactive", screen)
            self.assertIn("chmod 600", screen)  # the amp store is readable by others
            self.assert_no_secret(screen)
            piped = world.run("scan").stdout
            self.assertNotIn("\x1b", piped)
            code, without = world.in_terminal("scan", NO_COLOR="1")
            self.assertNotIn("\x1b[3", without)

    def test_no_line_is_longer_than_the_terminal_is_wide(self):
        with World(demo=True) as world:
            world.json("scan", "--import")
            for columns in (64, 80, 120):
                for line in (["scan"], ["status"], ["list"], ["explain"], ["history"], ["simulate", "--requests", "9"]):
                    _, screen = world.in_terminal(*line, columns=columns)
                    self.assertGreater(len(screen), 300)
                    if columns >= 80 and line[0] in ("scan", "status"):
                        self.assertIn("OWNERSHIP", screen)
                    for row in screen.splitlines():
                        plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", row)
                        if " " in plain.strip():  # a path alone cannot be broken
                            self.assertLessEqual(len(plain), columns, (line, plain))

    def test_another_home_by_the_clis_own_switches(self):
        with World() as world:
            store = world.home / "elsewhere/credentials"
            store.mkdir(parents=True)
            pathlib.Path(store / "kimi-code.json").write_text(
                '{"access_token":"at-fake","refresh_token":"rt-fake","expires_at":4102444800.0,'
                '"scope":"kimi-code","token_type":"Bearer","expires_in":900.0}')
            document = world.json("scan", KIMI_SHARE_DIR=str(world.home / "elsewhere"))
            self.assertEqual([e["cli"] for e in document["credentials"]], ["kimi-cli"])


if __name__ == "__main__":
    unittest.main()
