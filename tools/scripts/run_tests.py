#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds a Meson build directory, runs its tests and counts them one by one.

Usage: run_tests.py BUILD_DIR [--counts FILE] [--jobs N] [MESON-TEST-OPTION...]

Each TAP line counts as one test, so does a program without TAP. A program that crashes, times out
or stops before its plan is over counts as one failed test more than it reported. The last line is
"N passed, N failed"; the exit code is 1 when anything failed or nothing ran.
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TAP_LINE = re.compile(r"^(?P<bad>not )?ok\b\s*\d*\s*-?\s*(?P<name>[^#]*?)\s*(?:#\s*(?P<directive>\w+)\s*(?P<why>.*))?$")


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)  # (name, output)
    skips: list = dataclasses.field(default_factory=list)  # (name, reason)


def add_tap(counts: Counts, program: str, stdout: str) -> bool:
    """Counts the lines of one TAP output; tells whether any of them failed."""
    any_failed = False
    comments: list[str] = []
    for line in stdout.splitlines():
        match = TAP_LINE.match(line)
        if not match:
            comments.append(line)
            continue
        name = f"{program}: {match['name']}"
        if (match["directive"] or "").upper().startswith("SKIP"):
            counts.skips.append((name, match["why"]))
        elif match["bad"]:
            any_failed = True
            counts.failures.append((name, "\n".join(comments)))
        else:
            counts.passed += 1
        comments = []
    return any_failed


def add_result(counts: Counts, result: dict, is_tap: bool) -> None:
    """Counts one test program of Meson's log."""
    name, stdout, stderr = result["name"], result.get("stdout") or "", result.get("stderr") or ""
    reported_failure = add_tap(counts, name, stdout) if is_tap else False
    outcome = result["result"]
    if outcome == "SKIP" and not is_tap:
        counts.skips.append((name, (stdout + stderr).strip()))
    elif outcome in ("OK", "EXPECTEDFAIL", "SKIP"):
        if not is_tap:
            counts.passed += 1
    elif not (reported_failure and outcome == "FAIL" and result.get("returncode") in (0, 1)):
        # Not explained by a line of its own: a crash, a time-out, a missing plan, a plain failure.
        tail = "\n".join((stdout + "\n" + stderr).splitlines()[-60:])
        counts.failures.append((f"{name} ({outcome.lower()}, exit code {result.get('returncode')})", tail))
    elif stderr.strip():
        counts.failures[-1] = (counts.failures[-1][0], counts.failures[-1][1] + "\n" + stderr.strip())


MEMORY = pathlib.Path("/dev/shm")
LEAST_FREE_BYTES = 4 << 30


def memory_is_roomy(memory: pathlib.Path) -> bool:
    """Whether programs can be run from there, and there is room for servers' directories."""
    if not os.access(memory, os.W_OK | os.X_OK):
        return False
    about = os.statvfs(memory)
    return not about.f_flag & os.ST_NOEXEC and about.f_bavail * about.f_frsize >= LEAST_FREE_BYTES


@contextlib.contextmanager
def throw_away_folder(memory: pathlib.Path = MEMORY):
    """Where tests put their files: in memory where that is roomy, since half of their time is syncing
    to the disk what is thrown away. Whoever sets TMPDIR keeps it."""
    if "TMPDIR" in os.environ or not memory_is_roomy(memory):
        yield dict(os.environ)
        return
    folder = tempfile.mkdtemp(prefix="cp-", dir=memory)  # short: sockets stand below it
    try:
        os.chmod(folder, 0o711)  # a server that must not be root's walks through it
        yield {**os.environ, "TMPDIR": folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(build: pathlib.Path, options: list[str], jobs: int) -> Counts:
    counts = Counts()
    compiled = subprocess.run(["ninja", "-C", str(build), "-j", str(os.cpu_count() or 2)], check=False)
    if compiled.returncode != 0:
        counts.failures.append((f"building {build}", "see the compiler's messages above"))
        return counts

    introspected = subprocess.run(["meson", "introspect", "--tests", str(build)],
                                  check=True, capture_output=True, text=True)
    tests = json.loads(introspected.stdout)
    protocols = {test["name"]: test["protocol"] for test in tests}
    if len(protocols) != len(tests):
        names = sorted(test["name"] for test in tests)
        twice = {name for name, next_name in zip(names, names[1:]) if name == next_name}
        counts.failures.append((f"naming the tests of {build}", f"a name stands for two tests: {sorted(twice)}"))
        return counts

    log = build / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    with throw_away_folder() as environment:
        subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--num-processes", str(jobs), *options],
                       check=False, env=environment)
    if not log.exists():
        counts.failures.append((f"running the tests of {build}", "Meson wrote no log"))
        return counts
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        result = json.loads(line)
        # Meson logs "project:suite / name" as soon as there are suites.
        result["name"] = result["name"].rsplit(" / ", 1)[-1]
        add_result(counts, result, protocols[result["name"]] == "tap")
    if counts.passed == 0 and not counts.failures:
        counts.failures.append((f"running the tests of {build}", "no test ran"))
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--counts", type=pathlib.Path, help="also write the counts as JSON")
    # Tests wait for timers and answers: two for each processor.
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 2))
    arguments, options = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves no folder in memory

    counts = run(arguments.build, options, arguments.jobs)
    print()
    for name, why in counts.skips:
        print(f"SKIPPED {name}: {why or 'no reason given'}")
    for name, output in counts.failures:
        print(f"FAILED {name}")
        for line in output.splitlines():
            print(f"    {line}")
    if counts.skips:
        print(f"{len(counts.skips)} skipped, not counted below")
    if arguments.counts:
        arguments.counts.write_text(json.dumps({"passed": counts.passed, "failed": len(counts.failures),
                                                "skipped": len(counts.skips)}), encoding="utf-8")
    print(f"{counts.passed} passed, {len(counts.failures)} failed", flush=True)
    return 1 if counts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
