#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The counter of the tests, counted itself: good lines, bad lines, crashes, skips and silence.

Usage: check_run_tests.py ROOT
"""
import os
import pathlib
import sys
import tempfile
from unittest import mock

from tree import Tap

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "tools/scripts"))
import run_tests  # noqa: E402  (found by the line above)

# (what happens, Meson's record, is it TAP?, passed, failed, skipped)
CASES = [
    ("two good lines", {"stdout": "ok 1 - a\nok 2 - b\n1..2\n", "result": "OK", "returncode": 0}, True, 2, 0, 0),
    ("one bad line is one failure",
     {"stdout": "ok 1 - a\n# why\nnot ok 2 - b\n1..2\n", "result": "FAIL", "returncode": 1}, True, 1, 1, 0),
    ("a crash after good lines is a failure",
     {"stdout": "ok 1 - a\n", "result": "ERROR", "returncode": -11}, True, 1, 1, 0),
    ("a crash after a bad line is a failure more",
     {"stdout": "not ok 1 - a\n", "result": "FAIL", "returncode": -11}, True, 0, 2, 0),
    ("a time-out is a failure", {"stdout": "ok 1 - a\n", "result": "TIMEOUT", "returncode": -15}, True, 1, 1, 0),
    ("a good run with a bad exit code is a failure",
     {"stdout": "ok 1 - a\n1..1\n", "result": "ERROR", "returncode": 1}, True, 1, 1, 0),
    ("a skipped line is not a passed one",
     {"stdout": "ok 1 - a # SKIP not here\n1..1\n", "result": "SKIP", "returncode": 0}, True, 0, 0, 1),
    ("a program without TAP is one test", {"stdout": "", "result": "OK", "returncode": 0}, False, 1, 0, 0),
    ("a program without TAP fails as one", {"stdout": "", "result": "FAIL", "returncode": 3}, False, 0, 1, 0),
    ("a program without TAP may say that it skips", {"stdout": "", "result": "SKIP", "returncode": 77}, False, 0, 0, 1),
]


def throw_away_problems() -> list[str]:
    """What is wrong with where tests put their files."""
    problems = []
    with tempfile.TemporaryDirectory() as memory, mock.patch.dict(os.environ):
        os.environ.pop("TMPDIR", None)
        there = pathlib.Path(memory)
        if run_tests.memory_is_roomy(there / "missing"):
            problems.append("a folder that is not there is roomy")
        with mock.patch.object(run_tests, "LEAST_FREE_BYTES", 1 << 62), run_tests.throw_away_folder(there) as environment:
            if "TMPDIR" in environment:
                problems.append("it is used without room")
        with mock.patch.object(run_tests, "LEAST_FREE_BYTES", 0):
            with run_tests.throw_away_folder(there) as environment:
                folder = pathlib.Path(environment.get("TMPDIR", "/"))
                if folder.parent != there or folder.stat().st_mode & 0o777 != 0o711:
                    problems.append(f"it is {folder}, mode {folder.stat().st_mode:o}")
            if folder.exists():
                problems.append("it stays")
            os.environ["TMPDIR"] = "/chosen"
            with run_tests.throw_away_folder(there) as environment:
                if environment["TMPDIR"] != "/chosen":
                    problems.append("a chosen TMPDIR is not kept")
    return problems


def main() -> int:
    tap = Tap()
    for what, record, is_tap, passed, failed, skipped in CASES:
        counts = run_tests.Counts()
        run_tests.add_result(counts, {"name": "program", **record}, is_tap)
        got = (counts.passed, len(counts.failures), len(counts.skips))
        wanted = (passed, failed, skipped)
        tap.check(f"gates/run_tests: {what}", [] if got == wanted else [f"counted {got}, wanted {wanted}"])
    tap.check("gates/run_tests: tests' files go where there is room, and go away", throw_away_problems())
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
