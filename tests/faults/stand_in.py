#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands in for `credpool refresh` to check the loops themselves: a loop that stays green with a broken
refresher proves nothing. Small and plain; kimi-cli's login only, one machine, plain http.

STAND_IN_WITHOUT names what is left out, by commas: lock, reread, helper, journal, report, resend.
"""
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from cli_stores import CLIS  # noqa: E402

WITHOUT = set(os.environ.get("STAND_IN_WITHOUT", "").split(","))
OK, TRY_LATER, LOGIN_NEEDED, OUTCOME_UNKNOWN = 0, 1, 4, 5
KIND = CLIS["kimi-cli"]
FILE = pathlib.Path(os.environ["HOME"]) / KIND.path
JOURNAL = FILE.with_name(f".credpool-{FILE.name}.journal")


def read():
    return KIND.parse(FILE.read_text(encoding="utf-8"))


def private(path, flags) -> int:
    return os.open(path, flags, 0o600)


def store(answer: dict) -> None:
    temporary = FILE.with_name(f".credpool-{FILE.name}.{os.getpid()}")
    with open(temporary, "wb", opener=private, buffering=0) as file:
        file.write(KIND.render("", answer, time.time() + answer["expires_in"]).encode())
        os.fsync(file)
    os.rename(temporary, FILE)


def write_journal(record: dict) -> None:
    with open(JOURNAL, "wb", opener=private, buffering=0) as file:
        file.write(json.dumps(record).encode())
        os.fdatasync(file)


def recover() -> int | None:
    """Finishes what an earlier one began; an exit code when nothing more is to be done now."""
    try:
        record = json.loads(JOURNAL.read_text())
    except (OSError, ValueError):
        JOURNAL.unlink(missing_ok=True)
        return None
    if record["of"] != read().refresh_hash or record["state"] == "dead":
        if record["of"] == read().refresh_hash:
            return LOGIN_NEEDED
        JOURNAL.unlink()
        return None
    if record["state"] == "got":
        store(record["answer"])
        JOURNAL.unlink()
        return OK
    if record["state"] == "unknown-twice":
        return LOGIN_NEEDED
    return None  # sent, and no answer: one more try


def spend(refresh_token: str) -> tuple[int, bytes]:
    address = urllib.parse.urlsplit(os.environ["KIMI_CODE_OAUTH_HOST"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = urllib.parse.urlencode({"client_id": KIND.client_id, "grant_type": "refresh_token", "refresh_token": refresh_token})
    connection.request("POST", KIND.token_path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def exchange() -> int:
    before = read()
    if before.expires_at - time.time() > 540 and not JOURNAL.exists():
        return OK
    lock = os.open(FILE.with_name(f".credpool-{FILE.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    theirs = os.open(FILE.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if "lock" not in WITHOUT:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(theirs, fcntl.LOCK_EX)
    if "journal" not in WITHOUT and (ended := recover()) is not None:
        return ended
    now = before if "reread" in WITHOUT else read()
    if now.refresh != before.refresh or now.expires_at - time.time() > 540:
        return OK
    earlier = JOURNAL.exists()
    if "journal" not in WITHOUT:
        write_journal({"state": "sent", "of": now.refresh_hash})
    try:
        status, body = spend(now.refresh)
        if "resend" in WITHOUT and status != 200:
            raise OSError
        answer = json.loads(body)
    except ConnectionRefusedError:
        JOURNAL.unlink(missing_ok=True)
        return TRY_LATER
    except (OSError, ValueError, http.client.HTTPException):
        if "resend" in WITHOUT:
            spend(now.refresh)
        if "journal" not in WITHOUT:
            write_journal({"state": "unknown-twice" if earlier else "sent", "of": now.refresh_hash})
        return OK if "report" in WITHOUT else OUTCOME_UNKNOWN
    if status != 200:
        write_journal({"state": "dead", "of": now.refresh_hash})
        return OK if "report" in WITHOUT else LOGIN_NEEDED
    if "journal" not in WITHOUT:
        write_journal({"state": "got", "of": now.refresh_hash, "answer": answer})
    store(answer)
    JOURNAL.unlink(missing_ok=True)
    return OK


def main() -> int:
    if sys.argv[1:] == ["--helper"]:
        return exchange()
    if "helper" in WITHOUT:
        code = exchange()
    else:
        code = subprocess.Popen([sys.executable, "-S", "-E", __file__, "--helper"], start_new_session=True).wait()
    words = {OK: "ok", TRY_LATER: "try again later", LOGIN_NEEDED: "a new login is needed: run kimi login",
             OUTCOME_UNKNOWN: "the outcome is unknown: the server may have rotated this login"}
    print(json.dumps({"result": words.get(code, "failed"), "stored": hashlib.sha256(FILE.read_bytes()).hexdigest()[:8]}))
    if code:
        print(words.get(code, "failed"), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
