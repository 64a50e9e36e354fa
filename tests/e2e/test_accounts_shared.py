# SPDX-License-Identifier: MIT
"""Several servers on one PostgreSQL share accounts and budgets, and overspend none; killed or not."""
import concurrent.futures
import contextlib
import http.client
import os
import random
import threading
import time
import unittest

from accounts_world import A_REQUEST, AccountsWorld
from postgres_server import PostgresServer
from proxy_world import say

HOSTS = 3
AT_ONCE = int(os.environ.get("CREDPOOL_SPENDERS", "512"))
KILLS = int(os.environ.get("CREDPOOL_SERVER_KILLS", "10"))


class Shared(unittest.TestCase):
    def setUp(self):
        self.database = self.enterContext(PostgresServer())

    def test_a_key_of_one_host_is_good_on_all(self):
        with AccountsWorld(self.database, HOSTS) as world:
            world.buy(5)
            key = world.new_key()["key"]
            for host in range(HOSTS):
                self.assertEqual(world.spend(key, host)[0], 200)
            self.assertEqual(world.balance(), {"total_credits": 5, "total_usage": 0.15, "remaining": 4.85})

    def test_many_at_once_on_three_hosts_spend_what_there_is_and_no_more(self):
        with AccountsWorld(self.database, HOSTS) as world:
            world.buy(5)
            key = world.new_key()["key"]
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(lambda number: world.spend(key, number % HOSTS)[0], range(AT_ONCE)))
            counts = {status: answers.count(status) for status in set(answers)}
            say(f"{AT_ONCE} at once over {HOSTS} hosts on a balance for 100: {counts}")
            self.assertEqual(counts, {200: 100, 402: AT_ONCE - 100})
            self.assertEqual(world.balance()["remaining"], 0)

    def test_servers_and_the_database_are_killed(self):
        with AccountsWorld(self.database, HOSTS) as world:
            budget = 50 * max(1, KILLS // 10)
            world.buy(budget)
            key = world.new_key()["key"]
            acknowledged, lock, stop = [], threading.Lock(), threading.Event()

            def spend_on(host: int) -> None:
                while not stop.is_set():
                    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                        if world.spend(key, host)[0] == 200:
                            with lock:
                                acknowledged.append(host)
                    time.sleep(0.01)

            with concurrent.futures.ThreadPoolExecutor(12) as pool, contextlib.ExitStack() as at_last:
                at_last.callback(stop.set)
                workers = [pool.submit(spend_on, number % HOSTS) for number in range(12)]
                for number in range(KILLS):
                    time.sleep(random.uniform(0.1, 0.6))
                    if number % 3 == 2:
                        self.database.crash()
                    else:
                        host = random.randrange(HOSTS)
                        world.kill(host)
                        world.start(host)
                time.sleep(2)
                stop.set()
                for worker in workers:
                    worker.result()
            until = time.monotonic() + 15  # what was settled as the database died is settled when it is back
            while True:
                balance = world.balance()
                used = world.data("GET", "/usage")["totals"]["cost"]
                if abs(balance["total_usage"] - used) < 1e-9 or time.monotonic() > until:
                    break
                time.sleep(0.5)
            say(f"{KILLS} kills of {HOSTS} servers and their database: {len(acknowledged)} answers acknowledged, "
                f"{balance['total_usage'] / A_REQUEST:.0f} settled of {budget / A_REQUEST:.0f}")
            self.assertAlmostEqual(balance["total_usage"], used, places=6)
            self.assertLessEqual(balance["total_usage"], budget)
            self.assertGreaterEqual(balance["total_usage"] + 1e-9, len(acknowledged) * A_REQUEST)
            self.assertGreater(len(set(acknowledged)), 1)


if __name__ == "__main__":
    unittest.main()
