# SPDX-License-Identifier: MIT
"""config: where settings come from, and mistakes told with their place."""
import json
import unittest

from demo_world import World

OPENCLAW = """{
  // a comment, as JSON5 allows
  plugins: {
    entries: {
      "cli-token-discovery": {
        enabled: true,
        config: {
          autoImport: false,
          rotationStrategy: 'round-robin', // another one
          cliSources: { "kimi-cli": { enabled: false, priority: 1 } },
        },
      },
    },
  },
}
"""


def openclaw(world, text=OPENCLAW):
    path = world.home / ".openclaw/openclaw.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def overlay(world, text):
    path = world.home / ".config/credpool/config.json5"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def settings(world):
    return {row["name"]: (row["value"], row["origin"])
            for row in world.json("config", "show")["settings"]}


class Config(unittest.TestCase):
    def test_defaults_and_their_origin(self):
        with World() as world:
            shown = settings(world)
            self.assertEqual({origin for _, origin in shown.values()}, {"default"})
            self.assertIn("rotationStrategy", shown)
            self.assertIn("right", world.run("config", "check", check=True).stdout)
            self.assertIn("rotationStrategy", world.run("config", "show", check=True).stdout)

    def test_openclaws_file_with_comments_and_the_overlay(self):
        with World() as world:
            path = openclaw(world)
            shown = settings(world)
            self.assertEqual(shown["autoImport"], (False, f"{path}:8:23"))
            self.assertEqual(shown["rotationStrategy"][0], "round-robin")
            over = overlay(world, "{ rotationStrategy: 'least-used' }")
            value, origin = settings(world)["rotationStrategy"]
            self.assertEqual(value, "least-used")
            self.assertTrue(origin.startswith(str(over)), origin)
            self.assertEqual(settings(world)["autoImport"][0], False)

    def test_path_lists_the_files(self):
        with World() as world:
            path = openclaw(world)
            files = {f["path"]: f["exists"] for f in world.json("config", "path")["files"]}
            self.assertEqual(files[str(path)], True)
            self.assertIn(False, files.values())
            own = world.home / "other.json5"
            own.write_text("{ rotationStrategy: 'weighted' }")
            files = {f["path"] for f in world.json("--config", str(own), "config", "path")["files"]}
            self.assertIn(str(own), files)
            strategy = world.json("--config", str(own), "status", code=1)["strategy"]
            self.assertEqual(strategy, "weighted")

    def test_an_unknown_key_is_a_warning_with_a_suggestion(self):
        with World() as world:
            path = overlay(world, '{\n  "rotationStratgy": "weighted"\n}\n')
            done = world.run("config", "check", check=True)
            self.assertIn("rotationStrategy", done.stderr)
            self.assertIn(":2:", done.stderr)
            problem = world.json("config", "check")["problems"][0]
            self.assertEqual(problem["severity"], "warning")
            self.assertIn(str(path), problem["place"])

    def test_a_wrong_type_stops_every_command_with_its_place(self):
        with World() as world:
            path = overlay(world, '{\n  "autoImport": true,\n  "rotationStrategy": 7\n}\n')
            for line in (["config", "check"], ["config", "show"], ["scan"], ["status"], ["acquire"],
                         ["history"]):
                done = world.run(*line)
                self.assertEqual(done.returncode, 3, line)
                self.assertIn("config.json5:3:", done.stderr, line)
            self.assertFalse(world.json("config", "check", code=3)["ok"])
            error = world.json("scan", code=3)["error"]
            self.assertIn(f"{path}:3:", error["message"])

    def test_a_strategy_that_does_not_exist_names_those_that_do(self):
        with World() as world:
            overlay(world, '{ "rotationStrategy": "round-robbin" }')
            done = world.run("scan")
            self.assertEqual(done.returncode, 3)
            self.assertIn("round-robin", done.stderr)

    def test_a_broken_file(self):
        with World() as world:
            for text in ("{ autoImport: tru", "[]", "", "{ autoImport: true } more"):
                path = overlay(world, text)
                done = world.run("scan")
                self.assertEqual(done.returncode, 3, repr(text))
                self.assertIn(path.name, done.stderr)

    def test_a_source_that_is_switched_off_hides_its_cli(self):
        with World(demo=True) as world:
            before = {e["cli"] for e in world.json("scan")["credentials"]}
            self.assertIn("kimi-cli", before)
            openclaw(world)
            self.assertNotIn("kimi-cli", {e["cli"] for e in world.json("scan")["credentials"]})

    def test_a_missing_file_that_was_asked_for_is_an_error(self):
        with World() as world:
            done = world.run("--config", str(world.home / "nothing.json5"), "scan")
            self.assertEqual(done.returncode, 3)
            self.assertIn("nothing.json5", done.stderr)

    def test_secrets_in_the_files_are_not_printed(self):
        with World() as world:
            openclaw(world, json.dumps({
                "models": {"providers": {"openai": {"apiKey": "sk-fake-in-openclaw-0001"}}},
                "plugins": {"entries": {"cli-token-discovery": {"config": {
                    "autoImport": True, "apiKey": "sk-fake-misplaced-0002",
                    "rotationStrategy": "sk-fake-misplaced-0003"}}}}}))
            for line in (["config", "show"], ["config", "check"], ["config", "path"], ["scan"], ["doctor"]):
                for flags in ([], ["--json"]):
                    done = world.run(*flags, *line)
                    self.assertNotIn("sk-fake", done.stdout + done.stderr, line)


if __name__ == "__main__":
    unittest.main()
