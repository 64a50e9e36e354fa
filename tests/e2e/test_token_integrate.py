# SPDX-License-Identifier: MIT
"""openclaw-token integrate: OpenClaw's configuration is edited in place, and given back as it was."""
import json
import os
import pathlib
import stat
import unittest

from token_world import ServedWorld, TokenWorld

PROVIDER = "openclaw-token-fallback"

COMMENTED = """// My settings
{
  // how models are chosen
  agents: {
    defaults: {
      model: {
        primary: "anthropic/claude-opus-4-6", // the best
        fallbacks: [
          "openai/gpt-5.4", // when it rests
        ],
      },
    },
  },
  models: {
    providers: {
      mine: { api: "openai-completions", baseUrl: "https://mine.example/v1", apiKey: "sk-of-mine", models: [{ id: "m", name: "m" }], },
    },
  },
}
"""


def json5(text: str) -> dict:
    """Enough of JSON5 for these tests."""
    import re
    text = re.sub(r"(?m)(^|\s)//[^\n]*", r"\1", text)
    text = re.sub(r"([{,]\s*)([A-Za-z_]\w*)\s*:", r'\1"\2":', text)
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", text))


class IntegrateWorld(ServedWorld):
    def __enter__(self):
        super().__enter__()
        program = self.root / "bin/openclaw"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        self.variables["PATH"] = f"{program.parent}:{os.environ['PATH']}"
        self.file = self.home / ".openclaw/openclaw.json"
        self.register()
        return self

    def put(self, text: str, mode: int = 0o600) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text)
        self.file.chmod(mode)


class Integrate(unittest.TestCase):
    def test_a_new_file(self):
        with IntegrateWorld() as world:
            status = world.json("integrate", "--status")
            self.assertEqual(status, {"installed": True, "integrated": False, "provider_name": PROVIDER,
                                      "proxy_url": world.base + "/v1"})
            done = world.json("integrate")
            self.assertEqual((list(done), done["provider_name"]), (["key_hash", "provider_name"], PROVIDER))
            config = json.loads(world.file.read_text())
            provider = config["models"]["providers"][PROVIDER]
            # What OpenClaw's schema takes, and nothing else: it is strict.
            self.assertEqual(list(provider), ["api", "baseUrl", "auth", "apiKey", "models"])
            self.assertEqual((provider["api"], provider["baseUrl"], provider["auth"]),
                             ("openai-completions", world.base + "/v1", "api-key"))
            self.assertRegex(provider["apiKey"], "^sk-prov-[0-9a-f]{32}$")
            self.assertTrue(all(list(model) == ["id", "name"] for model in provider["models"]))
            self.assertEqual(config["agents"]["defaults"]["model"]["fallbacks"], [f"{PROVIDER}/{provider['models'][0]['id']}"])
            self.assertEqual(stat.S_IMODE(world.file.stat().st_mode), 0o600)
            key, = world.json("keys", "list")["items"]
            self.assertEqual((key["hash"], key["name"]), (done["key_hash"], "openclaw-fallback"))
            self.assertTrue(world.json("integrate", "--status")["integrated"])
            self.assertEqual(world.json("integrate", "--remove"), {"success": True, "removed": True})
            self.assertFalse(world.file.exists())
            self.assertEqual(world.json("integrate", "--remove"), {"success": True, "removed": False})

    def test_comments_mode_and_other_providers_stay(self):
        for mode in (0o600, 0o644):
            with self.subTest(mode=oct(mode)), IntegrateWorld() as world:
                world.put(COMMENTED, mode)
                done = world.run("integrate", "--model", "gpt-4o-mini", "--model", "gpt-4o")
                self.assertIn(f'\u2713 Integrated! Provider "{PROVIDER}" injected into OpenClaw fallback chain.\nKey hash: ', done.stdout)
                self.assertEqual("chmod 600" in done.stderr, mode == 0o644)
                text = world.file.read_text()
                for line in ("// My settings", "// how models are chosen", "// the best", "// when it rests", "sk-of-mine"):
                    self.assertIn(line, text)
                config = json5(text)
                self.assertEqual(config["agents"]["defaults"]["model"]["fallbacks"], ["openai/gpt-5.4", f"{PROVIDER}/gpt-4o-mini"])
                self.assertEqual([model["id"] for model in config["models"]["providers"][PROVIDER]["models"]], ["gpt-4o-mini", "gpt-4o"])
                self.assertEqual(stat.S_IMODE(world.file.stat().st_mode), mode)
                backup, = world.file.parent.glob("openclaw.json.bak-*")
                self.assertEqual(backup.read_text(), COMMENTED)
                self.assertEqual(stat.S_IMODE(backup.stat().st_mode), 0o600)
                world.json("integrate", "--remove")
                self.assertEqual(world.file.read_text(), COMMENTED)
                self.assertEqual(stat.S_IMODE(world.file.stat().st_mode), mode)
                self.assertEqual([file.name for file in world.file.parent.iterdir()], ["openclaw.json"])

    def test_what_others_changed_meanwhile_stays_when_it_is_removed(self):
        for before in (COMMENTED, '{agents: {defaults: {model: "anthropic/claude"}}}\n', "{}\n"):
            with self.subTest(before=before), IntegrateWorld() as world:
                world.put(before)
                world.json("integrate")
                world.put("// later\n" + world.file.read_text())
                world.json("integrate", "--remove")
                self.assertEqual(json5(world.file.read_text()), json5(before))
                self.assertTrue(world.file.read_text().startswith("// later\n"))

    def test_the_servers_own_models_are_offered(self):
        for ids, offered in ((["z", "gpt-4o-mini", "a"], ["gpt-4o-mini"]), (["z", "a"], ["z", "a"]), ([], ["gpt-4o"])):
            with self.subTest(ids=ids), IntegrateWorld() as world:
                listed = json.dumps({"object": "list", "data": [{"id": name} for name in ids]})
                world.front.faults = lambda asked, before: (200, {}, listed) if asked.path == "/v1/models" else None
                world.json("integrate")
                models = [model["id"] for model in json.loads(world.file.read_text())["models"]["providers"][PROVIDER]["models"]]
                self.assertEqual(models[:len(offered)], offered)
                request, = world.front.of("GET", "/v1/models")
                self.assertTrue(request.headers["authorization"].startswith("Bearer sk-prov-"))

    def test_a_second_time(self):
        with IntegrateWorld() as world:
            world.put(COMMENTED)
            first = world.json("integrate")
            second = world.json("integrate", "--model", "other")
            self.assertNotEqual(first["key_hash"], second["key_hash"])
            self.assertEqual(json5(world.file.read_text())["agents"]["defaults"]["model"]["fallbacks"],
                             ["openai/gpt-5.4", f"{PROVIDER}/other"])
            world.json("integrate", "--remove")
            self.assertEqual(world.file.read_text(), COMMENTED)

    def test_a_key_that_is_named_gets_a_new_value(self):
        with IntegrateWorld() as world:
            key = world.json("keys", "create", "--name", "mine")
            self.assertIn("--yes", world.run("integrate", "--key", key["hash"], code=1).stderr)
            self.assertEqual(world.json("integrate", "--key", key["hash"], "--yes")["key_hash"], key["hash"])
            self.assertNotEqual(json.loads(world.file.read_text())["models"]["providers"][PROVIDER]["apiKey"], key["key"])
            self.assertEqual(world.json("keys", "list")["total"], 1)

    def test_a_file_that_is_not_understood_is_left_alone_and_no_key_is_made(self):
        for text in ("{agents: ", '{"models": []}', '{"a": 1, "a": 2}', '{agents: {defaults: {model: {fallbacks: "x"}}}}'):
            with self.subTest(text=text), IntegrateWorld() as world:
                world.put(text)
                world.json("integrate", code=1)
                self.assertEqual(world.file.read_text(), text)
                self.assertEqual([file.name for file in world.file.parent.iterdir()], ["openclaw.json"])
                self.assertEqual(world.json("keys", "list")["total"], 0)

    def test_without_openclaw(self):
        with IntegrateWorld() as world:
            world.variables["PATH"] = "/usr/bin:/bin"
            done = world.run("integrate", code=1)
            self.assertEqual(done.stderr, "\u2717 OpenClaw CLI not found.\n  Install OpenClaw: npm install -g openclaw\n")
            world.put(json.dumps({"models": {"providers": {PROVIDER: {"baseUrl": "https://x.example/v1"}}}}))
            self.assertEqual(world.json("integrate", "--status"), {"installed": False, "integrated": True, "provider_name": PROVIDER,
                                                                   "proxy_url": "https://x.example/v1"})

    def test_openclaws_own_variables_say_where(self):
        with IntegrateWorld() as world:
            elsewhere = world.home / "elsewhere/my.json5"
            elsewhere.parent.mkdir()
            elsewhere.write_text("// here\n{}\n")
            world.json("integrate", OPENCLAW_CONFIG_PATH=str(elsewhere))
            self.assertIn(PROVIDER, elsewhere.read_text())
            self.assertIn("// here", elsewhere.read_text())
            self.assertFalse(world.file.exists())

    def test_the_mock_has_a_made_up_openclaw(self):
        with TokenWorld() as world:
            world.mock("integrate")
            self.assertFalse((world.home / ".openclaw").exists())
            self.assertIn(PROVIDER, (world.directory / "mock/openclaw.json").read_text())
            self.assertTrue(world.mock("integrate", "--status")["integrated"])
            self.assertEqual(world.mock("integrate", "--remove"), {"success": True, "removed": True})


if __name__ == "__main__":
    unittest.main()
