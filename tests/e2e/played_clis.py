#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays one of the CLIs on its own store: its lock, its re-read, its write and its bugs.

Usage: played_clis.py CLI --file FILE --server http://127.0.0.1:PORT [--cycles N] [--pause SECONDS]
                      [--speed N] [--old] [--slow-write SECONDS] [--no-lock]

Prints one JSON line for each cycle: {"cli", "did", "posts"}. `did` is fresh, adopted, refreshed,
discarded (its own fresh tokens thrown away), refused, tombstone, deleted, busy, signed_out or
failed. The waits of the real ones are divided by --speed.

Behaviour: kimi-cli 1.49.0, kimi-code 2.1.0, codex 0.169.0 (--old: before mid-2026), qwen-code 0.24.4,
gemini-cli 0.61.0, claude-code 2.1.329.
"""
import argparse
import atexit
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
import urllib.parse
import uuid

from cli_stores import CLIS, Tokens


class Busy(Exception):
    """Its lock was not to be had, and this CLI gives up then."""


class Refused(Exception):
    """The server does not take the refresh token."""


class Player:
    """What the CLIs have in common; each one says what is its own."""
    waits_after_failure: tuple = ()  # before each further try of the same request
    waits_after_refusal = 0.0        # before it looks whether somebody else wrote meanwhile
    refusals = (400, 401, 403)

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.kind = CLIS[options.cli]
        self.file = pathlib.Path(options.file)
        self.posts = 0

    # ---- its own
    def due(self, tokens: Tokens) -> bool:
        return tokens.expires_at - time.time() < 300

    def locked(self):
        return contextlib.nullcontext()

    def write(self, before: Tokens, answer: dict) -> str:
        raise NotImplementedError

    def refused(self) -> str:
        return "refused"

    # ---- shared
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.options.speed)

    def read(self) -> Tokens | None:
        try:
            return self.kind.parse(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def post(self, refresh_token: str) -> dict:
        kind = self.kind
        form = {"grant_type": "refresh_token", "client_id": kind.client_id, "refresh_token": refresh_token}
        body = json.dumps(form) if kind.json_body else urllib.parse.urlencode(form)
        path = "/gemini/token" if kind.vendor == "gemini" else kind.token_path
        sort = "application/json" if kind.json_body else "application/x-www-form-urlencoded"
        for wait in (*self.waits_after_failure, None):
            self.posts += 1
            try:
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.options.server).netloc, timeout=30)
                connection.request("POST", path, body, {"Content-Type": sort})
                answer = connection.getresponse()
                status, text = answer.status, answer.read()
                connection.close()
            except (OSError, http.client.HTTPException):
                status, text = 0, b""
            if status == 200:
                with contextlib.suppress(ValueError):
                    return json.loads(text)
                status = 0
            if status in self.refusals:
                raise Refused
            if wait is None:
                raise OSError(f"the token endpoint answered {status}")
            self.sleep(wait)
        raise AssertionError("not reached")

    def cycle(self) -> str:
        before = self.read()
        if before is None or not before.refresh:
            return "signed_out"
        if not self.due(before):
            return "fresh"
        try:
            with contextlib.nullcontext() if self.options.no_lock else self.locked():
                now = self.read()
                if now is None:
                    return "signed_out"
                if now.refresh != before.refresh or not self.due(now):
                    return "adopted"
                try:
                    answer = self.post(now.refresh)
                except Refused:
                    self.sleep(self.waits_after_refusal)
                    later = self.read()
                    if self.waits_after_refusal and later and later.refresh not in ("", now.refresh):
                        return "adopted"
                    return self.refused()
                return self.write(now, answer)
        except Busy:
            return "busy"
        except OSError:
            return "failed"

    def text(self, answer: dict) -> str:
        """The file's new text; what this CLI does not know is lost, unless it keeps the object."""
        old = self.file.read_text(encoding="utf-8") if self.kind.name not in ("kimi-cli", "kimi-code") else ""
        return self.kind.render(old, answer, time.time() + answer["expires_in"])

    def replace(self, text: str, temporary: str) -> None:
        path = self.file.with_name(temporary)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path, self.file)

    def overwrite(self, text: str) -> None:
        """In place: for a while the file is empty, then half of itself."""
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if self.options.slow_write:
                time.sleep(self.options.slow_write / 2)
                file.write(text[:len(text) // 2])
                file.flush()
                time.sleep(self.options.slow_write / 2)
                text = text[len(text) // 2:]
            file.write(text)

    @contextlib.contextmanager
    def directory_lock(self, path: pathlib.Path, stale: float, touch: float, tries: int, wait):
        """proper-lockfile: a directory whose age is its heartbeat."""
        for attempt in range(tries + 1):
            try:
                path.mkdir()
                break
            except FileExistsError:
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > stale:
                        path.rmdir()
                        continue
            if attempt == tries:
                raise Busy
            self.sleep(wait())
        else:
            raise Busy
        done = threading.Event()

        def beat():
            while not done.wait(touch):
                with contextlib.suppress(OSError):
                    os.utime(path)

        threading.Thread(target=beat, daemon=True).start()
        try:
            yield
        finally:
            done.set()
            with contextlib.suppress(OSError):
                path.rmdir()


class KimiCli(Player):
    waits_after_failure = (1, 2)
    waits_after_refusal = 1.0

    def due(self, tokens):
        return tokens.expires_at - time.time() < max(300, 450)

    @contextlib.contextmanager
    def locked(self):
        descriptor = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for attempt in range(6):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if attempt < 5:
                        self.sleep(1 + random.random())
            yield  # after the last try it goes on without the lock
        finally:
            os.close(descriptor)

    def write(self, before, answer):
        self.replace(self.text(answer), f"{uuid.uuid4().hex}.tmp")
        return "refreshed"


class KimiCode(Player):
    waits_after_failure = (1, 2)
    waits_after_refusal = 0.1
    due = KimiCli.due

    def locked(self):
        if os.environ.get("KIMI_DISABLE_OAUTH_LOCK") == "1":
            return contextlib.nullcontext()
        place = self.file.parents[1] / "oauth"
        place.mkdir(exist_ok=True)
        return self.directory_lock(place / f"{self.file.stem}.lock", 5, 2.5, 120, lambda: 0.5 + random.random() / 2)

    def write(self, before, answer):
        self.replace(self.text(answer), f"{self.file.name}.tmp.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        return "refreshed"

    def refused(self):
        nothing = {"access_token": "", "refresh_token": "", "expires_at": 0, "scope": "", "token_type": "", "expires_in": 0}
        self.replace(json.dumps(nothing, indent=2) + "\n", f"{self.file.name}.tmp.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        return "tombstone"


class Codex(Player):
    """Spends without a lock; only its write is guarded. --old: not even that."""
    refusals = (401,)

    def write(self, before, answer):
        if self.options.old:
            self.overwrite(self.text(answer))
            return "refreshed"
        with open(self.file.with_name("auth.lock"), "a", encoding="utf-8") as first, \
                open(self.file.with_name("auth.json.lock"), "a", encoding="utf-8") as second:
            fcntl.flock(first, fcntl.LOCK_EX)
            for _ in range(50):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                self.sleep(0.1)
            else:
                raise OSError("no commit lock")
            now = self.read()
            if now is None or now.refresh != before.refresh:
                return "discarded"
            self.replace(self.text(answer), f".auth-{uuid.uuid4().hex[:6]}")
        return "refreshed"


class Qwen(Player):
    refusals = (400, 401)

    def __init__(self, options):
        super().__init__(options)
        self.lock = self.file.with_name("oauth_creds.lock")
        # Its exit handler removes the lock, whoever holds it.
        atexit.register(lambda: self.lock.unlink(missing_ok=True))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def due(self, tokens):
        return tokens.expires_at - time.time() < 30

    @contextlib.contextmanager
    def locked(self):
        pause = 0.1
        for _ in range(20):
            try:
                descriptor = os.open(self.lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                os.write(descriptor, str(uuid.uuid4()).encode())
                os.close(descriptor)
                break
            except FileExistsError:
                with contextlib.suppress(OSError):
                    if time.time() - self.lock.stat().st_mtime > 35:
                        stale = self.lock.with_name(f"{self.lock.name}.stale.{uuid.uuid4()}")
                        self.lock.rename(stale)
                        stale.unlink()
                        continue
                self.sleep(pause)
                pause = min(2, pause * 1.5)
        else:
            raise Busy
        try:
            yield
        finally:
            self.lock.unlink(missing_ok=True)

    def write(self, before, answer):
        self.replace(self.text(answer), f"oauth_creds.json.tmp.{uuid.uuid4()}")
        return "refreshed"

    def refused(self):
        self.file.unlink(missing_ok=True)  # also when somebody wrote a good one meanwhile
        return "deleted"


class Gemini(Player):
    def write(self, before, answer):
        self.overwrite(self.text(answer))
        return "refreshed"


class Claude(Player):
    refusals = (400, 401)

    @contextlib.contextmanager
    def locked(self):
        folder = self.file.parent

        def wait():
            return 1 + random.random()

        with self.directory_lock(folder / ".oauth_refresh.lock", 60, 5, 5, wait):
            owner = folder / ".oauth_refresh.lock.owner"
            owner.write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")
            try:
                with self.directory_lock(folder.with_name(f"{folder.name}.lock"), 60, 5, 5, wait):
                    yield
            finally:
                owner.unlink(missing_ok=True)

    def store(self, text: str) -> None:
        with self.directory_lock(self.file.parent / ".storage-write.lock", 15, 5, 10, lambda: 0.1):
            self.replace(text, f".credentials.json.tmp.{uuid.uuid4().hex[:8]}")

    def write(self, before, answer):
        self.store(self.text(answer))
        return "refreshed"

    def refused(self):
        data = json.loads(self.file.read_text(encoding="utf-8"))
        data["claudeAiOauth"].update(accessToken="", refreshToken="", expiresAt=0)
        self.store(json.dumps(data))
        return "tombstone"


PLAYERS = {"kimi-cli": KimiCli, "kimi-code": KimiCode, "codex-cli": Codex, "qwen-cli": Qwen,
           "gemini-cli": Gemini, "claude-cli": Claude}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("cli", choices=PLAYERS)
    parser.add_argument("--file", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--cycles", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--slow-write", type=float, default=0.0)
    parser.add_argument("--no-lock", action="store_true")
    options = parser.parse_args()
    for _ in range(options.cycles):
        player = PLAYERS[options.cli](options)
        did = player.cycle()
        print(json.dumps({"cli": options.cli, "did": did, "posts": player.posts}), flush=True)
        time.sleep(options.pause)
    return 0


if __name__ == "__main__":
    sys.exit(main())
