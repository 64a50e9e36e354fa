# SPDX-License-Identifier: MIT
"""Two hosts with a copy of one login, and one PostgreSQL between them: one spend for each generation."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from postgres_server import PostgresServer
from refresh_world import OK, REFRESH, RefreshWorld

CLI = "kimi-cli"


class TwoHosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = cls.enterClassContext(PostgresServer())

    def hosts(self, world):
        """The seeded home and a copy of it, with a key file that both have."""
        key = world.root / "key"
        key.write_text(os.urandom(32).hex() + "\n", encoding="ascii")
        key.chmod(0o600)
        other = world.root / "other"
        shutil.copytree(world.home, other, symlinks=True)
        self.variables = {"CREDPOOL_STORE": self.database.address, "CREDPOOL_KEY_FILE": str(key)}
        return other

    def refresh(self, world, *more, **variables):
        return world.refresh(CLI, *more, **self.variables, **variables)

    def forget_rates(self, world):
        """As if hours had passed; the family's name stays."""
        file = world.logins[CLI].file
        state = file.with_name(f".credpool-{file.name}.state")
        if state.exists():
            known = json.loads(state.read_text(encoding="utf-8"))
            state.write_text(json.dumps({"version": 1, "dead": [], "failures": 0, "requests": [],
                                         "family": known.get("family", "")}), encoding="utf-8")

    def age(self, world):
        state = world.logins[CLI].file.with_name(f".credpool-{world.logins[CLI].file.name}.state")
        kept = state.read_text(encoding="utf-8") if state.exists() else None
        world.age(CLI)
        if kept is not None:
            state.write_text(kept, encoding="utf-8")
            self.forget_rates(world)

    def test_the_owner_refreshes_and_the_other_host_gets_access_tokens(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            with world.moved(self.hosts(world)) as other:
                for generation in range(1, 4):
                    first = self.refresh(world)
                    self.assertEqual(first.returncode, OK, first.stdout + first.stderr)
                    second = self.refresh(other)
                    self.assertEqual(second.returncode, OK, second.stdout + second.stderr)
                    answer = json.loads(second.stdout)["refreshed"][0]
                    self.assertEqual(answer["outcome"], "adopted")
                    self.assertIn("refreshes this login", answer["note"])
                    self.assertEqual(world.family(CLI)["spends"], generation)
                    self.assertEqual(world.family(CLI)["reuse"], 0)
                    # What the other host has now is lent there.
                    lent = subprocess.run(
                        [os.environ["CREDPOOL_PROGRAM"], "--json", "acquire", "--provider", "kimi-code", "--reveal"],
                        env=other.environment(**self.variables), cwd=other.home, capture_output=True, text=True, check=False)
                    self.assertEqual(lent.returncode, OK, lent.stdout + lent.stderr)
                    self.assertEqual(json.loads(lent.stdout)["secret"], world.stored(CLI).access)
                    self.age(world)
                    self.age(other)
                # The refresh token never left its host, and no access token is in the database in clear.
                dump = self.dump()
                self.assertNotIn(world.stored(CLI).refresh, dump)
                self.assertNotIn(world.stored(CLI).access, dump)
                self.assertIn("credpool_", dump)

    def dump(self) -> str:
        done = subprocess.run(["pg_dump", self.database.address], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_both_at_once_spend_once(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            world.set(answer_delay_ms=300)
            with world.moved(self.hosts(world)) as other:
                running = [host.start(*REFRESH, CLI, env=host.environment(**self.variables))
                           for host in (world, other) for _ in range(4)]
                codes = []
                for process in running:
                    process.communicate(timeout=90)
                    codes.append(process.returncode)
                self.assertIn(OK, codes)
                self.assertEqual(world.family(CLI)["spends"], 1)
                self.assertEqual(world.family(CLI)["reuse"], 0)

    def test_the_database_dies_in_between(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            with world.moved(self.hosts(world)) as other:
                world.set(answer_delay_ms=500)
                process = world.start(*REFRESH, CLI, env=world.environment(**self.variables))
                time.sleep(0.4)
                self.database.crash()
                process.communicate(timeout=90)
                deadline = time.monotonic() + 90
                while True:  # whoever asks next is told the truth until the claim is settled
                    done = self.refresh(world)
                    if done.returncode == OK or time.monotonic() > deadline:
                        break
                    time.sleep(1)
                self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
                self.assertLessEqual(world.family(CLI)["spends"], 1)
                self.assertEqual(world.family(CLI)["reuse"], 0)
                self.assertTrue(world.holds_live_token(CLI))
                self.refresh(other)
                self.assertEqual(world.family(CLI)["reuse"], 0)

    def test_a_host_killed_while_it_holds_the_claim(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            with world.moved(self.hosts(world)) as other:
                world.set(answer_delay_ms=700)
                process = world.start(*REFRESH, CLI, env=world.environment(**self.variables), start_new_session=True)
                time.sleep(0.3)
                os.killpg(process.pid, signal.SIGKILL)  # the helper has a session of its own, and lives on
                process.communicate()
                done = self.refresh(other)
                self.assertIn(done.returncode, (0, 1, 5), done.stdout + done.stderr)
                world.set(answer_delay_ms=0)
                done = self.refresh(world)
                self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
                self.assertEqual(world.family(CLI)["spends"], 1)
                self.assertEqual(world.family(CLI)["reuse"], 0)

    def test_a_password_does_not_go_through_the_command_line(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            done = world.refresh(CLI, CREDPOOL_STORE="postgresql://me:sk-canary@127.0.0.1/x")
            self.assertEqual(done.returncode, 3)
            self.assertIn("pgpass", done.stdout + done.stderr)
            self.assertNotIn("sk-canary", done.stdout + done.stderr)
            self.assertEqual(world.family(CLI)["spends"], 0)

    def test_a_store_that_is_not_there_spends_nothing(self):
        with RefreshWorld() as world:
            world.seed(CLI)
            done = world.refresh(CLI, CREDPOOL_STORE="postgresql://tester@127.0.0.1:1/postgres")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertEqual(world.family(CLI)["spends"], 0)


if __name__ == "__main__":
    unittest.main()
