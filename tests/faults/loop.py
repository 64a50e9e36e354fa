# SPDX-License-Identifier: MIT
"""What the fault loops share: how often, on which login, and what must hold afterwards.

CREDPOOL_FAULT_LEVEL says how long a loop runs: test (make test), faults (the CI stage), soak. One count
can be set by its own name: CREDPOOL_KILLS=10000. CREDPOOL_FAULT_CLI names the login, kimi-cli. The seed
of what is random is printed; CREDPOOL_SEED repeats a run.
"""
import ctypes
import multiprocessing
import os
import pathlib
import random
import sys
import time
import traceback
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from refresh_world import LOGIN_NEEDED, OK, OUTCOME_UNKNOWN, TRY_LATER, RefreshWorld  # noqa: E402, F401

LEVEL = os.environ.get("CREDPOOL_FAULT_LEVEL", "test")
CLI = os.environ.get("CREDPOOL_FAULT_CLI", "kimi-cli")
NEEDS_TLS = {"qwen-cli", "claude-cli"}
SEED = int(os.environ.get("CREDPOOL_SEED", time.time_ns() % 1_000_000))


def count(name: str, test: int, faults: int, soak: int) -> int:
    return int(os.environ.get(f"CREDPOOL_{name}", {"test": test, "faults": faults, "soak": soak}[LEVEL]))


def say(text: str) -> None:
    print(f"# {text}", flush=True)


def dice() -> random.Random:
    say(f"CREDPOOL_SEED={SEED}")
    return random.Random(SEED)


def until(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def adopt_orphans() -> None:
    """An exchange outlives whoever started it; from here on it then becomes a child of this process."""
    set_child_subreaper = 36  # prctl(2)
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


adopt_orphans()


def helpers() -> list[int]:
    """The exchanges that go on now though whoever started them is gone."""
    children = [int(pid) for place in pathlib.Path("/proc/self/task").glob("*/children")
                for pid in place.read_text(encoding="ascii").split()]
    found = []
    for pid in children:
        try:
            if b"\0exchange-helper\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)  # one that has ended has no command line any more
        except OSError:  # it has ended
            continue
    return found


def in_processes(work, count: int) -> list:
    """What `work(number)` returns in so many processes at once, forked from this one."""
    def run(number: int, end) -> None:
        adopt_orphans()
        try:
            end.send((True, work(number)))
        except BaseException:  # the other side fails with it
            end.send((False, traceback.format_exc()))

    fork, running = multiprocessing.get_context("fork"), []
    for number in range(count):
        ours, theirs = fork.Pipe(duplex=False)
        running.append((fork.Process(target=run, args=(number, theirs)), ours))
        running[-1][0].start()
        theirs.close()
    answers = [ours.recv() for _, ours in running]
    for process, _ in running:
        process.join()
    for good, answer in answers:
        if not good:
            raise AssertionError(answer)
    return [answer for _, answer in answers]


def world_of_the_login(**more) -> RefreshWorld:
    """With https where no switch can move the login's server."""
    return RefreshWorld(tls=CLI in NEEDS_TLS, **more)


def told(done) -> str:
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


class LoopCase(unittest.TestCase):
    def assert_saved(self, world: RefreshWorld, cli: str = CLI) -> None:
        """The next refresh works, and the store then has the one token that the server would take."""
        done = world.refresh(cli)
        self.assertEqual(done.returncode, OK, told(done))
        self.assertTrue(world.holds_live_token(cli), f"{cli}: exit 0, and the stored token is not the live one")
        self.assertEqual(world.family(cli)["reuse"], 0)

    def saved_or_told(self, world: RefreshWorld, cli: str = CLI) -> bool:
        """True: the login lives. False: it is lost and the user was told so. Fails on a silent loss.

        A call may first report the unknown outcome; the one late retry is another call's.
        """
        deadline = time.monotonic() + 60
        while True:
            done = world.refresh(cli)
            if done.returncode == OK:
                self.assertTrue(world.holds_live_token(cli), f"{cli}: exit 0, and the login is lost\n{told(done)}")
                return True
            self.assertIn(done.returncode, (TRY_LATER, LOGIN_NEEDED, OUTCOME_UNKNOWN), told(done))
            self.assertTrue(done.stderr.strip() or done.stdout.strip(), "lost without a word")
            if done.returncode == LOGIN_NEEDED:
                self.assertFalse(world.holds_live_token(cli), f"told to log in, and the login lives\n{told(done)}")
                return False
            self.assertLess(time.monotonic(), deadline, f"neither saved nor told\n{told(done)}")
            time.sleep(0.5)

    def settle(self, world: RefreshWorld, left: float = -10, cli: str = CLI) -> None:
        """Before the next round: the same login with an old access token, or a new login if it was lost."""
        until(lambda: not helpers(), 60, "the exchanges of the round before end")
        if world.logins.get(cli) and world.logins[cli].file.exists() and world.holds_live_token(cli):
            world.age(cli, left)
        else:
            world.seed(cli, left)
