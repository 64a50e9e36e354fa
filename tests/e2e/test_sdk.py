# SPDX-License-Identifier: MIT
"""The openai and @anthropic-ai/sdk packages through the proxy, alone and with nginx or HAProxy around it."""
import json
import subprocess
import unittest

from proxy_world import ANTHROPIC_KEY, PEERS, ProxyWorld
from refresh_world import modules


class Suite(unittest.TestCase):
    def run_suite(self, *chain: str, tls: bool = False) -> None:
        with ProxyWorld(chain, tls=tls) as world:
            through = "serve" in chain
            command = ["node", PEERS / "sdk_suite.mjs", "--modules", modules(), "--url", world.url,
                       "--openai-key", world.key, "--anthropic-key", world.key if through else ANTHROPIC_KEY,
                       "--control", world.fake.addresses["control"], *(["--through-proxy"] if through else [])]
            done = subprocess.run(command, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
            results = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertGreater(len(results), 15, done.stderr)
            failures = [f"{one['name']}\n{one['error']}" for one in results if "error" in one]
            self.assertEqual(failures, [], "\n\n".join(failures))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_straight_to_the_fake_provider(self):
        self.run_suite()

    def test_nginx_before_the_fake_provider(self):
        self.run_suite("nginx")

    def test_haproxy_before_the_fake_provider(self):
        self.run_suite("haproxy")

    def test_proxy(self):
        self.run_suite("serve")

    def test_proxy_before_a_tls_upstream(self):
        self.run_suite("serve", tls=True)

    def test_nginx_in_front(self):
        self.run_suite("nginx", "serve")

    def test_haproxy_in_front(self):
        self.run_suite("haproxy", "serve")

    def test_nginx_behind(self):
        self.run_suite("serve", "nginx")

    def test_haproxy_behind(self):
        self.run_suite("serve", "haproxy")


if __name__ == "__main__":
    unittest.main()
