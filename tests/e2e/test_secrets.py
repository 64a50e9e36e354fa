# SPDX-License-Identifier: MIT
"""No command shows a secret: not on its screen, not in its files, not in an argument."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from demo_world import PROGRAM, World

# Members and variables of the made-up stores that hold a secret.
NAMES = re.compile(r"token$|^access$|^refresh$|^key$|secret|api_?key|^secret", re.IGNORECASE)
# What the encrypted stores hold; the files show it to nobody.
SEALED = ["demo-gemini-valid-key", "demo-droid-valid-access", "demo-droid-valid-refresh"]
PUBLIC = {"Bearer", "keyring", "oauth/kimi-code", "ApiKey"}


def values(node):
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str) and NAMES.search(name):
                yield value
            yield from values(value)
    elif isinstance(node, list):
        for value in node:
            yield from values(value)


def demo_secrets(home: pathlib.Path) -> set[str]:
    """Every secret that the made-up home holds, as read from its files."""
    found = set(SEALED)
    for path in home.rglob("*"):
        if not path.is_file() or ".config/credpool" in str(path):
            continue
        text = path.read_text()
        try:
            found.update(values(json.loads(text)))
        except ValueError:
            found.update(re.findall(r"""(?:KEY["']?|api_key|oauth_token|openrouter|"access_token")\s*[:=]\s*["']?([\w./+=-]{8,})""", text))
    return {value for value in found if len(value) >= 8 and value not in PUBLIC
            and not value.startswith("/")}


def pieces(secrets, size=20):
    for secret in secrets:
        if len(secret) <= size:
            yield secret
        for start in range(len(secret) - size + 1):
            yield secret[start:start + size]


COMMANDS = [
    ["scan"], ["scan", "--cli", "droid"], ["status"], ["status", "--check"], ["list"],
    ["acquire"], ["acquire", "--provider", "anthropic"], ["acquire", "--provider", "nobody"],
    ["acquire", "--pin", "kimi-code:kimi-code-env-657f7f111e019602"],
    ["explain"], ["explain", "--provider", "openai"], ["cooldown", "list"], ["cooldown", "clear", "--all"],
    ["history"], ["history", "--verify"], ["history", "--export", "-"], ["doctor"],
    ["config", "show"], ["config", "check"], ["config", "path"],
    ["scan", "--import"], ["scan", "--validate"], ["exec", "--provider", "anthropic", "--", "true"],
    ["exec", "--provider", "anthropic", "--", "no-such-program"],
    ["import-manual", "codex-cli", "--stdin"], ["simulate", "--requests", "5"],
]


class Secrets(unittest.TestCase):
    def setUp(self):
        self.world = World(demo=True, provider=True).__enter__()
        self.addCleanup(self.world.__exit__)
        self.secrets = demo_secrets(self.world.home)
        for known in ("demo-kimi-valid-access", "demo-kimi-second-refresh", "demo-moonshot-valid-key",
                      "demo-codex-valid-refresh", "sk-sp-demo-valid", "ya29.demo-gemini-notier",
                      "sk-ant-ort01-demo-valid", "gho_demo_valid", "ghu_demo_noseat", "sgamp_demo_valid",
                      "demo-grok-refresh", "sk-demo-openai-revoked", "sk-ant-api03-demo-valid",
                      "1//demo-adc-refresh", "sk-or-v1-demo-limited", "demo-cursor-refresh"):
            self.assertIn(known, self.secrets)
        self.pieces = sorted(set(pieces(self.secrets)))

    def assert_clean(self, text: str, where):
        for piece in self.pieces:
            self.assertFalse(piece in text, f"a piece of a secret in {where}")

    def run_watched(self, line):
        """Runs a command and reads its argument list as long as it runs."""
        seen = set()
        with tempfile.TemporaryFile("w+") as given:
            given.write("demo-manual-valid-token-0123456789\n")
            given.seek(0)
            process = subprocess.Popen([PROGRAM, *line], env=self.world.environment(),
                                       cwd=self.world.home, stdin=given, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        while process.poll() is None:
            for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_text(errors="replace"))
                except OSError:
                    pass  # it has ended
        out, err = process.communicate(timeout=30)
        return out, err, seen

    def look_at_everything(self):
        for line in COMMANDS:
            for flags in ([], ["--json"]):
                out, err, arguments = self.run_watched([*flags, *line])
                self.assertNotIn("internal error", err, line)
                for what, text in (("stdout", out), ("stderr", err), ("/proc", "\n".join(arguments))):
                    self.assert_clean(text, (what, line))
                    self.assertNotIn("demo-manual-valid-token", text, (what, line))
        files = [p for p in (self.world.home / ".local/state").rglob("*") if p.is_file()]
        self.assertTrue(any(p.name == "state.sqlite" for p in files))
        self.assertTrue(any(p.name == "history.json" for p in files))
        for path in files:
            data = path.read_bytes().decode("latin-1")
            self.assert_clean(data, path)
            self.assertNotIn("demo-manual-valid-token", data, path)

    def test_every_command_over_good_files(self):
        self.pieces.append("demo-manual-valid-token")
        self.look_at_everything()

    def test_every_command_over_damaged_files(self):
        for path in self.world.home.rglob("*"):
            if not path.is_file() or ".config/credpool" in str(path) or path.suffix in (".key", ".file"):
                continue
            text = path.read_text()
            path.write_text(text[: int(len(text) * 0.8)])
        self.look_at_everything()

    def test_reveal_and_the_environment_of_exec_are_the_two_ways_out(self):
        revealed = self.world.run("acquire", "--pin", "kimi-code:default", "--reveal", check=True)
        self.assertEqual(revealed.stdout, "demo-kimi-valid-access\n")
        self.assert_clean(revealed.stderr, "stderr")
        child = self.world.run("exec", "--pin", "kimi-code:default", "--", "env", check=True)
        self.assertIn("demo-kimi-valid-access", child.stdout)
        self.assertNotIn("demo-kimi-valid-refresh", child.stdout)
        self.assert_clean(child.stderr, "stderr")


if __name__ == "__main__":
    unittest.main()
