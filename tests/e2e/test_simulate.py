# SPDX-License-Identifier: MIT
"""simulate: policies side by side on one trace."""
import unittest

from demo_world import World

TRACE = """{"account": "a", "requests": 2, "windowSeconds": 60}
{"account": "b", "requests": 2, "windowSeconds": 60}

{"at": 1, "model": "m", "session": "s"}
{"at": 2, "model": "m", "session": "s"}
{"at": 3, "model": "m", "session": "t"}
{"at": 4, "model": "m", "session": "t"}
{"at": 5, "model": "m", "session": "t"}
"""


class Simulate(unittest.TestCase):
    def test_every_policy_on_the_same_requests(self):
        with World() as world:
            document = world.json("simulate", "--requests", "500")
            names = [p["policy"] for p in document["policies"]]
            for name in ("round-robin", "least-used", "priority", "weighted", "fill-first", "p2c",
                         "latency", "quota-aware", "health-based"):
                self.assertIn(name, names)
            for policy in document["policies"]:
                self.assertEqual(policy["served"] + policy["refused"], 500, policy)
                self.assertEqual(sum(a["served"] for a in policy["perCredential"]), policy["served"])
                self.assertGreater(policy["fairness"], 0)
                self.assertLessEqual(policy["fairness"], 1)
            again = world.json("simulate", "--requests", "500")
            self.assertEqual(again, document)
            other = world.json("simulate", "--requests", "500", "--seed", "2")
            self.assertNotEqual(other, document)

    def test_a_trace_of_ones_own(self):
        with World() as world:
            (world.home / "trace.ndjson").write_text(TRACE)
            document = world.json("simulate", "--trace", "trace.ndjson", "--policy", "round-robin")
            self.assertEqual((document["accounts"], document["requests"]), (2, 5))
            policy, = document["policies"]
            self.assertEqual((policy["served"], policy["refused"]), (4, 1))
            text = world.run("simulate", "--trace", "trace.ndjson", check=True).stdout
            self.assertIn("5 requests, 2 accounts", text)

    def test_mistakes(self):
        with World() as world:
            done = world.run("simulate", "--policy", "fastest")
            self.assertEqual(done.returncode, 3)
            self.assertIn("round-robin", done.stderr)
            self.assertEqual(world.run("simulate", "--credentials", "0").returncode, 3)
            done = world.run("simulate", "--trace", "nowhere.ndjson")
            self.assertEqual(done.returncode, 1)
            self.assertIn("nowhere.ndjson", done.stderr)
            for line, text in (("2", '{"account":"a"}\nnot json\n'), ("1", '{"account":"a","requests":-1}\n'),
                               ("2", '{"account":"a"}\n{"model":"m"}\n')):
                (world.home / "bad.ndjson").write_text(text)
                done = world.run("simulate", "--trace", "bad.ndjson")
                self.assertEqual(done.returncode, 1)
                self.assertIn("bad.ndjson:" + line, done.stderr)
            (world.home / "bad.ndjson").write_text("")
            self.assertEqual(world.run("simulate", "--trace", "bad.ndjson").returncode, 1)

    def test_it_writes_nothing(self):
        with World() as world:
            world.run("simulate", "--requests", "10", check=True)
            self.assertEqual(list(world.home.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
