# SPDX-License-Identifier: MIT
"""What is durable when: the order of the helper's system calls in one refresh.

No crash test shows a missing fsync unless the power goes at the right moment; this one does each time.
"""
import subprocess
import unittest

from loop import CLI, LoopCase, RefreshWorld
from refresh_world import REFRESH, program
from syscall_tracer import SUPPORTED, Tracer

OF_A_DESCRIPTOR = {"write", "pwrite64", "fsync", "fdatasync", "fallocate", "ftruncate"}
OF_A_PATH = {"unlink": 0, "unlinkat": 1, "rename": 1, "renameat": 3, "renameat2": 3}
RECEIVES = {"recvfrom", "recvmsg"}
SYNC = ("fsync", "fdatasync")


class Recorder:
    """(call, part) of what matters; part is journal, temporary, login, directory or server."""

    def __init__(self, login):
        self.login, self.steps = login, []

    def part(self, path: str) -> str | None:
        own = f"{self.login.parent}/.credpool-{self.login.name}."
        if path.startswith(own):
            return next((part for part in ("journal", "tmp", "state", "lock") if path[len(own):].startswith(part)), None)
        return {str(self.login): "login", str(self.login.parent): "directory"}.get(path)

    def __call__(self, stop):
        if stop.sends_a_token():
            self.steps.append(("send", "server"))
        elif stop.name in RECEIVES:
            self.steps.append(("receive", "server"))
        elif stop.name in OF_A_DESCRIPTOR and (part := self.part(stop.file())):
            self.steps.append((stop.name, part))
        elif stop.name in OF_A_PATH and (part := self.part(stop.text(OF_A_PATH[stop.name]))):
            self.steps.append((stop.name, part))


@unittest.skipUnless(SUPPORTED, "the tracer knows x86-64 only")
class OrderOfCalls(LoopCase):
    @classmethod
    def setUpClass(cls):
        with RefreshWorld() as world:
            login = world.seed(CLI)
            recorder = Recorder(login.file)
            cls.code = Tracer([*program(), *REFRESH, CLI], recorder, cwd=world.home, env=world.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).run()
            cls.steps = recorder.steps
        indices = {what: [n for n, (call, _) in enumerate(cls.steps) if call == what] for what in ("send", "receive")}
        cls.sent = indices["send"][0] if indices["send"] else 0
        cls.received = indices["receive"][-1] if indices["receive"] else 0
        cls.swapped = next((n for n, (call, part) in enumerate(cls.steps)
                            if call in OF_A_PATH and call.startswith("rename") and part == "login"), len(cls.steps))
        cls.removed = next((n for n, (call, part) in enumerate(cls.steps)
                            if n > cls.swapped and call.startswith("unlink") and part == "journal"), len(cls.steps))

    def between(self, begin: int, end: int, calls: tuple, part: str) -> None:
        self.assertTrue(any(call in calls and at == part for call, at in self.steps[begin:end]),
                        f"no {' or '.join(calls)} of the {part} in {self.steps[begin:end]}\nall: {self.steps}")

    def test_the_refresh_went_well_and_spent_once(self):
        self.assertEqual(self.code, 0)
        self.assertEqual(self.steps.count(("send", "server")), 1, self.steps)
        self.assertTrue(0 < self.sent < self.received < self.swapped < self.removed < len(self.steps), self.steps)

    def test_the_journal_is_durable_before_the_send(self):
        self.between(0, self.sent, SYNC, "journal")
        # Its name too: what was synced of the directory before it was made says nothing about it.
        made = next((n for n, (_, part) in enumerate(self.steps) if part == "journal"), self.sent)
        self.between(made, self.sent, ("fsync",), "directory")

    def test_the_space_is_reserved_before_the_send(self):
        self.between(0, self.sent, ("fallocate",), "journal")
        self.between(0, self.sent, ("fallocate",), "tmp")

    def test_the_answer_is_durable_before_anything_is_made_of_it(self):
        first = next((n for n, step in enumerate(self.steps) if n > self.received and step[1] == "tmp"), len(self.steps))
        self.between(self.received, first, SYNC, "journal")

    def test_the_new_file_is_durable_before_the_swap(self):
        self.between(self.received, self.swapped, SYNC, "tmp")

    def test_the_swap_is_durable_before_the_journal_goes(self):
        begin = next((n for n, (_, part) in enumerate(self.steps) if n > self.swapped and part == "state"), self.removed)
        self.between(self.swapped, begin, ("fsync",), "directory")


if __name__ == "__main__":
    unittest.main()
