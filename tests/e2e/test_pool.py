# SPDX-License-Identifier: MIT
"""Lending: acquire, exec, explain, cooldown, status and list over separate processes."""
import json
import os
import pathlib
import time
import unittest

from demo_world import World

FUTURE = 4102444800  # 2100-01-01


def write(path: pathlib.Path, document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(0o600)


def kimi(world, name="valid", expires=FUTURE, refresh="rt-fake-kimi", access="at-fake-kimi"):
    write(world.home / ".kimi/credentials/kimi-code.json",
          {"access_token": access and f"{access}-{name}", "refresh_token": refresh,
           "expires_at": expires, "scope": "kimi-code", "token_type": "Bearer", "expires_in": 900})


def two_keys(world, **settings):
    """Two keys of one provider, from two places."""
    write(world.home / ".env", "OPENAI_API_KEY=sk-fake-from-dotenv-0001\n")
    write(world.home / ".config/credpool/config.json5",
          {"autoImport": True, "rotationStrategy": "round-robin", **settings})
    return {"OPENAI_API_KEY": "sk-fake-from-environment-0002"}


class Acquire(unittest.TestCase):
    def test_rotation_goes_on_from_process_to_process(self):
        with World() as world:
            keys = two_keys(world)
            lent = [world.json("acquire", "--provider", "openai", **keys)["credential"]["id"]
                    for _ in range(6)]
            self.assertEqual(len(set(lent)), 2, lent)
            self.assertEqual(lent[0::2], [lent[0]] * 3)
            self.assertEqual(lent[1::2], [lent[1]] * 3)
            uses = {entry["id"]: entry["pool"]["uses"]
                    for entry in world.json("status", **keys)["credentials"]}
            self.assertEqual(uses, {lent[0]: 3, lent[1]: 3})
            counts = [entry["usageCount"] for entry in world.json("history", **keys)["discovered"]]
            self.assertEqual(counts, [3, 3])

    def test_only_reveal_prints_the_secret(self):
        with World() as world:
            keys = {"OPENAI_API_KEY": "sk-fake-from-environment-0002"}
            write(world.home / ".config/credpool/config.json5", {"autoImport": True})
            for line in (["acquire"], ["--json", "acquire"], ["explain"], ["status"], ["list"]):
                done = world.run(*line, **keys)
                self.assertEqual(done.returncode, 0, done)
                self.assertNotIn("sk-fake", done.stdout + done.stderr)
            done = world.run("acquire", "--reveal", check=True, **keys)
            self.assertEqual(done.stdout, "sk-fake-from-environment-0002\n")
            self.assertNotIn("sk-fake", done.stderr)
            document = world.json("acquire", "--reveal", **keys)
            self.assertEqual(document["secret"], "sk-fake-from-environment-0002")
            self.assertEqual(document["lease"]["variable"], "OPENAI_API_KEY")

    def test_a_pin_is_taken_by_profile_and_by_id(self):
        with World(demo=True) as world:
            for entry in world.json("list")["credentials"][:4]:
                for pin in (entry["profileId"], entry["id"], entry["id"][:12]):
                    lent = world.json("acquire", "--pin", pin)["credential"]
                    self.assertEqual(lent["id"], entry["id"], pin)

    def test_what_nobody_can_serve_is_a_clear_error(self):
        with World(demo=True) as world:
            done = world.run("acquire", "--provider", "nobody")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            self.assertIn("nobody", done.stderr)
            done = world.run("acquire", "--pin", "nobody:nothing")
            self.assertIn(done.returncode, (1, 3))
            self.assertIn("nobody:nothing", done.stderr)
            error = world.json("acquire", "--provider", "nobody", code=1)["error"]
            self.assertEqual(error["code"], "no_credential")
            self.assertTrue(error["message"])
            # A credential that is there and cannot serve says what is the matter with it.
            done = world.run("acquire", "--provider", "qwen-portal")
            self.assertEqual(done.returncode, 1)
            self.assertIn("qwen-portal:default", done.stderr)

    def test_without_auto_import_nothing_is_lent_before_scan_import(self):
        with World() as world:
            keys = two_keys(world, autoImport=False)
            document = world.json("scan", **keys)
            self.assertEqual([e["imported"] for e in document["credentials"]], [False, False])
            self.assertEqual(world.json("list", code=1, **keys)["credentials"], [])
            done = world.run("acquire", "--provider", "openai", **keys)
            self.assertEqual(done.returncode, 1)
            self.assertIn("scan --import", done.stderr)
            self.assertIn("scan --import", world.run("scan", **keys).stdout)
            first = document["credentials"][0]
            world.json("scan", "--import", "--cli", first["cli"], **keys)
            self.assertEqual([e["id"] for e in world.json("list", **keys)["credentials"]], [first["id"]])
            self.assertEqual(world.json("acquire", **keys)["credential"]["id"], first["id"])
            # By reference: the state holds the id, never the token.
            for path in (world.home / ".local/state/credpool").rglob("*"):
                self.assertNotIn(b"sk-fake", path.read_bytes(), path)


class Exec(unittest.TestCase):
    def test_the_program_finds_the_secret_in_its_variable(self):
        with World() as world:
            write(world.home / ".config/credpool/config.json5", {"autoImport": True})
            keys = {"ANTHROPIC_API_KEY": "sk-ant-api03-fake-0003"}
            write(world.home / ".env", "OPENAI_API_KEY=sk-fake-from-dotenv-0001\n")
            shown = world.run("exec", "--provider", "openai", "--", "env", check=True, **keys)
            self.assertIn("\nOPENAI_API_KEY=sk-fake-from-dotenv-0001\n", "\n" + shown.stdout)
            self.assertNotIn("sk-fake", shown.stderr)
            shown = world.run("exec", "--provider", "openai", "--variable", "MY_KEY", "--", "env",
                              check=True, **keys)
            self.assertIn("\nMY_KEY=sk-fake-from-dotenv-0001\n", "\n" + shown.stdout)
            self.assertNotIn("OPENAI_API_KEY", shown.stdout)

    def test_the_base_url_goes_with_it(self):
        with World(demo=True) as world:
            shown = world.run("exec", "--pin", "kimi-code:default", "--", "env", check=True).stdout
            self.assertIn("\nKIMI_API_KEY=demo-kimi-valid-access\n", "\n" + shown)
            self.assertIn("\nKIMI_BASE_URL=https://api.kimi.com/coding/v1\n", "\n" + shown)

    def test_the_exit_code_is_the_programs(self):
        with World() as world:
            keys = two_keys(world)
            for code in (0, 1, 7, 255):
                done = world.run("exec", "--provider", "openai", "--", "sh", "-c", f"exit {code}", **keys)
                self.assertEqual(done.returncode, code)
            done = world.run("exec", "--provider", "openai", "--", "sh", "-c", "kill -TERM $$", **keys)
            self.assertEqual(done.returncode, -15)

    def test_signals_are_as_a_program_expects_them(self):
        with World() as world:
            keys = two_keys(world)
            done = world.run("exec", "--provider", "openai", "--", "sh", "-c", "kill -PIPE $$", **keys)
            self.assertEqual(done.returncode, -13)  # not ignored
            status = world.run("exec", "--provider", "openai", "--", "cat", "/proc/self/status",
                               check=True, **keys).stdout
            masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
            self.assertEqual(int(masks["SigBlk"], 16), 0)
            self.assertEqual(int(masks["SigIgn"], 16) & (1 << 12), 0)

    def test_the_program_inherits_three_descriptors_and_no_secret_argument(self):
        with World() as world:
            keys = two_keys(world)
            done = world.run("exec", "--provider", "openai", "--", "sh", "-c",
                             "ls -1 /proc/$$/fd; tr '\\0' '\\n' < /proc/$$/cmdline", check=True, **keys)
            shown = done.stdout.splitlines()
            self.assertEqual(shown[:3], ["0", "1", "2"])
            self.assertEqual(shown[3], "sh", shown)
            self.assertNotIn("sk-fake", done.stdout)

    def test_options_of_the_program_stay_its_own(self):
        with World() as world:
            keys = two_keys(world)
            done = world.run("exec", "--provider", "openai", "--", "echo", "--json", "--provider", "x",
                             "--", "-h", check=True, **keys)
            self.assertEqual(done.stdout, "--json --provider x -- -h\n")

    def test_mistakes_are_told(self):
        with World() as world:
            keys = two_keys(world)
            done = world.run("exec", "--", "env", **keys)
            self.assertEqual(done.returncode, 3)
            self.assertIn("--provider", done.stderr)
            done = world.run("exec", "--provider", "openai", "--", "no-such-program", **keys)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no-such-program", done.stderr)
            done = world.run("exec", "--provider", "openai", "--variable", "A=B", "--", "env", **keys)
            self.assertEqual(done.returncode, 3)
            self.assertIn("--variable", done.stderr)
            self.assertEqual(world.run("exec", "--provider", "openai", **keys).returncode, 3)

    def test_a_program_that_we_know_needs_no_provider(self):
        with World() as world:
            keys = two_keys(world)
            own = world.home / "bin"
            own.mkdir()
            (own / "codex").write_text("#!/bin/sh\necho got $OPENAI_API_KEY\n")
            (own / "codex").chmod(0o755)
            keys["PATH"] = f"{own}:{os.environ['PATH']}"
            done = world.run("exec", "--", "codex", check=True, **keys)
            self.assertTrue(done.stdout.startswith("got sk-fake-from-"), done.stdout)


class Reasons(unittest.TestCase):
    def test_explain_tells_each_reason_and_chooses_what_acquire_lends(self):
        with World(demo=True) as world:
            document = world.json("explain", "--provider", "kimi-code")
            reasons = {c["profileId"]: c["reason"] for c in document["candidates"]}
            self.assertEqual(reasons["kimi-code:default"], "eligible")
            self.assertEqual(reasons["kimi-code:default-2"], "expired")
            self.assertEqual(reasons["kimi-code:kimi-code-env-0e4f99c69cc27850"], "needs_login")
            self.assertEqual(reasons["kimi-code:kimi-code-env-657f7f111e019602"], "unusable")
            self.assertEqual(reasons["openai:default"], "wrong_provider")
            chosen = [c for c in document["candidates"] if c["chosen"]]
            self.assertEqual([c["id"] for c in chosen], [document["chosen"]])
            lent = world.json("acquire", "--provider", "kimi-code")["credential"]["id"]
            self.assertEqual(lent, document["chosen"])
            self.assertEqual(world.json("explain", "--provider", "nobody", code=1)["chosen"], None)
            text = world.run("explain", "--provider", "kimi-code", check=True).stdout
            self.assertIn("needs login", text)
            self.assertNotIn("openai:default", text)
            self.assertIn("of other providers", text)

    def test_explain_and_status_make_no_file(self):
        with World(demo=True) as world:
            for line in (["explain"], ["status"], ["status", "--check"], ["list"], ["cooldown", "list"],
                         ["config", "show"]):
                world.run(*line, check=True)
            self.assertFalse((world.home / ".local/state/credpool").exists())


class Cooldowns(unittest.TestCase):
    def test_what_validation_found_rests_is_listed_and_cleared(self):
        with World(demo=True, provider=True) as world:
            self.assertEqual(world.json("cooldown", "list")["cooldowns"], [])
            self.assertIn("No credential rests", world.run("cooldown", "list", check=True).stdout)
            world.json("scan", "--validate")
            # The refused key is not lent any more, whoever asks.
            reasons = {c["profileId"]: c["reason"] for c in world.json("explain")["candidates"]}
            self.assertEqual(reasons["openai:OPENAI_API_KEY"], "needs_login")
            self.assertEqual(world.run("cooldown", "clear").returncode, 3)
            done = world.run("cooldown", "clear", "nobody:nothing")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("nobody:nothing", done.stderr)
            world.run("cooldown", "clear", "--all", check=True)
            reasons = {c["profileId"]: c["reason"] for c in world.json("explain")["candidates"]}
            self.assertEqual(reasons["openai:OPENAI_API_KEY"], "eligible")


class Status(unittest.TestCase):
    def check(self, world, code):
        done = world.run("status", "--check")
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(world.json("status", "--check", code=code)["check"], code)

    def test_0_when_a_credential_can_be_used(self):
        with World() as world:
            kimi(world)
            self.check(world, 0)

    def test_0_for_short_lived_tokens_that_are_refreshed(self):
        with World() as world:
            kimi(world, expires=int(time.time()) + 60)
            self.check(world, 0)
            kimi(world, expires=int(time.time()) - 60)
            self.check(world, 0)

    def test_1_when_there_is_nothing(self):
        with World() as world:
            self.check(world, 1)
            done = world.run("status")
            self.assertEqual(done.returncode, 1)
            self.assertIn("credpool scan", done.stdout)

    def test_2_when_one_ends_soon_and_nothing_can_refresh_it(self):
        with World() as world:
            kimi(world, expires=int(time.time()) + 120, refresh="")
            self.check(world, 2)

    def test_1_when_it_has_ended_and_nothing_can_refresh_it(self):
        with World() as world:
            kimi(world, expires=int(time.time()) - 120, refresh="")
            self.assertIn(world.run("status", "--check").returncode, (1, 4))

    def test_4_when_only_signed_out_logins_are_left(self):
        with World() as world:
            kimi(world, expires=0, refresh="", access="")
            self.check(world, 4)

    def test_one_cli_only(self):
        with World(demo=True) as world:
            document = world.json("status", "--cli", "kimi-code")
            self.assertEqual({e["cli"] for e in document["credentials"]}, {"kimi-code"})
            self.assertEqual(world.run("status", "--cli", "kimmi").returncode, 3)

    def test_list_has_what_may_be_lent_and_nothing_else(self):
        with World(demo=True) as world:
            listed = {e["id"] for e in world.json("list")["credentials"]}
            usable = {e["id"] for e in world.json("scan")["credentials"] if e["usable"]}
            self.assertEqual(listed, usable)
            text = world.run("list", check=True).stdout
            self.assertNotIn("qwen-portal:default", text)


if __name__ == "__main__":
    unittest.main()
