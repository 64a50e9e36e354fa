# SPDX-License-Identifier: MIT
"""demo: the tour, and the made-up home to play with."""
import json
import os
import signal
import subprocess
import unittest
import urllib.request

from demo_world import PROGRAM, World


class Demo(unittest.TestCase):
    def test_the_tour_runs_to_its_end_and_leaves_nothing_behind(self):
        with World() as world:
            temporary = world.root / "tmp"
            temporary.mkdir()
            done = world.run("demo", check=True, TMPDIR=str(temporary))
            self.assertEqual(done.stderr, "")
            for step in ("credpool scan", "scan --validate", "explain", "429", "cooldown list",
                         "credpool refresh", "refreshed, ends in 14 min", "renewal cycle completed: 0 renewed, 2 fresh",
                         "listening on http://127.0.0.1:", '"content":" from"', "data: [DONE]", "none changed", "Your own logins"):
                self.assertIn(step, done.stdout)
            self.assertEqual(list(temporary.iterdir()), [])
            self.assertEqual(list(world.home.iterdir()), [])

    def test_the_tour_asks_the_local_provider_only(self):
        with World() as world:
            text = world.run("demo", check=True).stdout
            for host in ("googleapis", "api.kimi", "openai.com", "cannot be asked", "could not"):
                self.assertNotIn(host, text)

    def test_the_made_up_provider_answers_through_the_proxy(self):
        with World(demo=True, provider=True) as world:
            server = subprocess.Popen([PROGRAM, "serve", "--open", "--listen", "127.0.0.1:0", "--log", "json"],
                                      env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                url = server.stdout.readline().split()[-1]
                key = (world.home / ".local/state/credpool/serve.key").read_text().strip()
                for stream in (False, True):
                    body = {"model": "demo", "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]}
                    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(),
                                                     {"x-api-key": key})
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        text = answer.read().decode()
                    if stream:
                        self.assertEqual(text.count("data: "), 6)
                        self.assertTrue(text.endswith("data: [DONE]\n\n"), text)
                    else:  # openrouter's key has no quota: it rests from here on
                        self.assertEqual(answer.headers["x-credpool-attempts"], "2")
                        self.assertEqual(json.loads(text)["choices"][0]["message"]["content"],
                                         "Hello from the demo provider.")
            finally:
                server.terminate()
                out, _ = server.communicate(timeout=30)
            rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            self.assertEqual([(row["provider"], row["totalTokens"]) for row in rows], [("moonshot", 13)] * 2)

    def test_a_tour_that_is_interrupted_leaves_nothing_behind(self):
        with World() as world:
            temporary = world.root / "tmp"
            temporary.mkdir()
            process = subprocess.Popen([PROGRAM, "demo"], env=world.environment(TMPDIR=str(temporary)),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdout.readline()  # the tour has begun
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            self.assertIn(process.returncode, (130, -signal.SIGINT))
            self.assertEqual(list(temporary.iterdir()), [])

    def test_a_home_to_keep(self):
        with World() as world:
            target = world.root / "made-up"
            done = world.run("demo", "--home", str(target), check=True)
            self.assertIn(str(target), done.stdout)
            self.assertIn("credpool scan", done.stdout)
            for path in target.rglob("*"):
                if path.is_file() and path.name != "secrets.json":
                    self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_its_kimi_logins_can_be_refreshed_each_token_once(self):
        with World(demo=True, provider=True) as world:
            login = world.home / ".kimi/credentials/kimi-code.json"
            first = login.read_text()
            for _ in range(2):
                row, = world.json("refresh", "kimi-cli", "--force")["refreshed"]
                self.assertEqual(row["outcome"], "exchanged")
                login.with_name(".credpool-kimi-code.json.state").unlink()  # what it remembers of earlier requests
            self.assertNotIn("demo-kimi-valid-refresh", login.read_text())
            login.write_text(first)
            error = world.json("refresh", "kimi-cli", "--force", code=4)["error"]
            self.assertEqual(error["code"], "login_needed")

    def test_a_directory_with_something_in_it_is_refused(self):
        with World() as world:
            (world.home / "mine.txt").write_text("mine")
            done = world.run("demo", "--home", str(world.home))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("not empty", done.stderr)
            self.assertEqual(os.listdir(world.home), ["mine.txt"])

    def test_serving_needs_a_home(self):
        with World() as world:
            done = world.run("demo", "--serve")
            self.assertEqual(done.returncode, 3)
            self.assertIn("--home", done.stderr)


if __name__ == "__main__":
    unittest.main()
