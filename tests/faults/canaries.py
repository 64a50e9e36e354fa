# SPDX-License-Identifier: MIT
"""Tokens show up nowhere but in the login's own file: not in arguments, environments, output, state or leftovers."""
import concurrent.futures
import os
import pathlib
import threading
import time
import unittest

from loop import OK, LoopCase, RefreshWorld, count, say, told

ROUNDS = count("CANARY_ROUNDS", 3, 5, 500)
LOGINS = os.environ.get("CREDPOOL_FAULT_CANARIES", "kimi-cli,kimi-code,codex-cli,qwen-cli,claude-cli").split(",")
EVERY = 0.005


class Watcher:
    """Looks at every process that began after it, and at our files beside the logins, each 5 ms."""

    def __init__(self, folders: list[pathlib.Path]):
        self.folders = folders
        self.before = {name for name in os.listdir("/proc") if name.isdigit()}
        self.seen: set[tuple[str, bytes]] = set()
        self.loose: set[str] = set()
        self.rounds, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.done.wait(EVERY):
            self.rounds += 1
            for name in os.listdir("/proc"):
                if not name.isdigit() or name in self.before:
                    continue
                for what in ("cmdline", "environ"):
                    try:
                        self.seen.add((what, pathlib.Path(f"/proc/{name}/{what}").read_bytes()))
                    except OSError:
                        pass  # it has ended
            for folder in self.folders:
                for entry in folder.glob(".credpool-*"):
                    try:
                        if entry.stat().st_mode & 0o077:
                            self.loose.add(f"{entry.name}: {entry.stat().st_mode & 0o777:o}")
                    except OSError:
                        pass


class Canaries(LoopCase):
    def test_no_token_anywhere_else(self):
        with RefreshWorld(tls=bool({"qwen-cli", "claude-cli"} & set(LOGINS))) as world:
            world.set(answer_delay_ms=30)
            tokens, output = set(), []
            for cli in LOGINS:
                world.seed(cli)
            with Watcher([login.file.parent for login in world.logins.values()]) as watcher:
                for turn in range(ROUNDS):
                    for cli in LOGINS:
                        world.age(cli)
                        tokens |= {world.stored(cli).access, world.stored(cli).refresh}
                        done = world.refresh(cli)
                        self.assertEqual(done.returncode, OK, told(done))
                        output.append((done.stdout + done.stderr).encode())
                        tokens |= {world.stored(cli).access, world.stored(cli).refresh}
                # A refused and a lost one have their own words.
                for cli in LOGINS:
                    world.seed(cli)
                    tokens |= {world.stored(cli).refresh, world.stored(cli).access}
                    spent = world.logins[cli].file.read_text()
                    self.assertEqual(world.refresh(cli).returncode, OK)
                    tokens |= {world.stored(cli).refresh, world.stored(cli).access}
                    world.logins[cli].file.write_text(spent)
                    world.forget(world.logins[cli].file)
                # At once: each looks again for 5 s, whether its CLI was quicker.
                with concurrent.futures.ThreadPoolExecutor(len(LOGINS)) as pool:
                    for done in pool.map(world.refresh, LOGINS):
                        self.assertNotEqual(done.returncode, OK)
                        output.append((done.stdout + done.stderr).encode())
            pieces = {token[at:at + 20].encode() for token in tokens for at in (0, len(token) // 2 - 10, len(token) - 20)}
            pieces = {piece for piece in pieces if not piece.startswith(b"eyJ")}  # every JWT begins alike

            def found_in(blob: bytes) -> bool:
                return any(piece in blob for piece in pieces)

            processes = {blob for what, blob in watcher.seen if what == "cmdline"}
            self.assertTrue(any(b"refresh" in blob for blob in processes), "the watcher saw none of our processes")
            self.assertEqual([blob[:200] for what, blob in watcher.seen if found_in(blob)], [])
            self.assertEqual(sorted(watcher.loose), [], "files of ours that others can read")
            self.assertEqual([text for text in output if found_in(text)], [])
            stores = {login.file for login in world.logins.values()}
            others = [file for file in world.home.rglob("*") if file.is_file() and file not in stores]
            self.assertEqual([str(file) for file in others if found_in(file.read_bytes())], [])
            say(f"{len(tokens)} tokens, {len(watcher.seen)} command lines and environments in {watcher.rounds} looks, "
                f"{len(output)} outputs, {len(others)} files: 0 found")


if __name__ == "__main__":
    unittest.main()
