# SPDX-License-Identifier: MIT
"""The command line itself: help, mistakes, completions, the manual page."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from demo_world import PROGRAM, World

COMMANDS = ["scan", "status", "list", "refresh", "login", "logout", "renew", "acquire", "exec", "explain", "cooldown", "history",
            "import-manual", "config", "doctor", "simulate", "demo", "completion", "man"]


class Usage(unittest.TestCase):
    def test_help_names_every_command(self):
        with World() as world:
            done = world.run("--help", check=True)
            for command in COMMANDS:
                self.assertIn(command, done.stdout)
                self.assertTrue(world.run(command, "--help", check=True).stdout)

    def test_mistakes_exit_with_3_and_say_what_is_wrong(self):
        with World() as world:
            for line in (["frobnicate"], [], ["scan", "--frob"], ["history", "--limit", "x"],
                         ["completion", "tcsh"]):
                done = world.run(*line)
                self.assertEqual(done.returncode, 3, line)
                self.assertTrue(done.stderr.strip(), line)

    def test_the_network_is_another_program_beside_it(self):
        with World(demo=True) as world:
            alone = world.root / "bin/credpool"
            alone.parent.mkdir()
            shutil.copy(PROGRAM, alone)

            def run(*arguments):
                return subprocess.run([alone, *arguments], env=world.environment(), capture_output=True, text=True, timeout=60)

            self.assertEqual(run("scan").returncode, 0)
            for line in (["scan", "--validate"], ["login", "kimi-code"], ["import-manual", "codex-cli"], ["demo"]):
                done = run("--json", *line)
                self.assertNotEqual(done.returncode, 0, line)
                self.assertIn("credpool-network", json.loads(done.stdout)["error"]["message"], line)
            shutil.copy(f"{PROGRAM}-network", alone.parent)
            self.assertRegex(run("scan", "--validate").stdout, "openai")

    def test_version(self):
        with World() as world:
            self.assertRegex(world.run("--version", check=True).stdout, r"^credpool \d+\.\d+\.\d+\n$")

    def test_completions_are_accepted_by_their_shells(self):
        with World() as world:
            for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]),
                                 ("fish", ["fish", "--no-execute"])):
                script = world.run("completion", shell, check=True).stdout
                self.assertIsNotNone(shutil.which(check[0]), f"{check[0]} is not installed")
                with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
                    file.write(script)
                    file.flush()
                    done = subprocess.run([*check, file.name], capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_not_for_people_is_in_none_of_them(self):
        with World() as world:
            for line in (["--help"], ["completion", "bash"], ["completion", "zsh"], ["completion", "fish"], ["man"]):
                text = world.run(*line, check=True).stdout
                self.assertNotIn("exchange-helper", text, line)
                self.assertIn("renew", text, line)

    def test_bash_completes_commands_and_options(self):
        with World() as world:
            script = world.run("completion", "bash", check=True).stdout
            probe = script + """
COMP_WORDS=(credpool hi); COMP_CWORD=1; _credpool; echo "${COMPREPLY[@]}"
COMP_WORDS=(credpool history --l); COMP_CWORD=2; _credpool; echo "${COMPREPLY[@]}"
COMP_WORDS=(credpool cooldown cl); COMP_CWORD=2; _credpool; echo "${COMPREPLY[@]}"
"""
            done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True)
            self.assertEqual(done.stdout.split("\n")[:3], ["history", "--limit", "clear"], done.stderr)

    def test_json_is_as_documented(self):
        page = (pathlib.Path(__file__).parents[2] / "docs/cli.md").read_text()
        rows = re.findall(r"^\| `([a-z][^`]*)` \| (.*) \|$", page.split("| command | document |")[1].split("\n## ")[0], re.M)
        self.assertGreater(len(rows), 12)
        with World(demo=True, provider=True) as world:
            for command, members in rows:
                flat = re.sub(r"\([^()]*\)|, with.*", "", members)
                line = command.split()
                if line in (["accounts", "grant"], ["accounts", "import"]):
                    continue  # they want an account or a database: test_accounts_operator.py
                if line[0] == "import-manual":
                    line += ["codex-cli", "sk-fake-0123456789", "--no-validate"]
                if line[0] == "refresh":
                    line.append("kimi-cli")
                if line[0] == "demo":
                    line.append(str(world.root / "another"))
                self.assertEqual(set(world.json(*line)), set(re.findall(r"`(\w+)`", flat)), command)

    def test_the_manual_page_formats_without_a_warning(self):
        with World() as world:
            page = world.run("man", check=True).stdout
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=page,
                                  capture_output=True, text=True,
                                  env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr.strip(), "")
            self.assertIn("import-manual", done.stdout)
            self.assertIn("EXIT STATUS", done.stdout)


if __name__ == "__main__":
    unittest.main()
