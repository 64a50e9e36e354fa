#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Everything that must hold before a change is taken: the stages, their times and one count.

Usage: ci.py [--only STAGE]... [--fuzz-seconds N] [--file-fuzz-seconds N] [--tidy-seconds N]

The last line is "N passed, N failed" over all stages; the exit code is 1 when anything failed.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tools/scripts"

# The tests that are worth repeating under a sanitizer: what needs no other program.
LIBRARY_SUITES = ["--suite", "unit", "--suite", "contract", "--suite", "fault"]
# Lines are enough for a report; all of the debugging information takes a third of the time to compile. Eight files
# compiled as one take a third of what they take by themselves; the bodies by themselves are the clang stage's.
SANITIZED = ["--buildtype=debug", "-Ddebug=false", "-Dcpp_args=-gline-tables-only",
             "-Db_lundef=false", "-Dwerror=true", "-Dtests=true", "-Dtools=disabled", "-Dopt_in=enabled",
             "-Dbodies_together=8", "-Dtests_together=8"]
# How much longer than a test's own limit the loops may take.
FAULT_TIMES = {"test": 1, "faults": 1, "soak": 40}
# Stages that run only when they are asked for by name.
ON_REQUEST = {"faults", "removals"}
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclasses.dataclass
class Outcome:
    name: str
    seconds: float
    passed: int
    failed: int
    skipped: int


def clang() -> str:
    """The second compiler: Debian's versioned name, or whatever clang++ is."""
    found = subprocess.run(["sh", "-c", "command -v clang++-14 clang++ | head -n 1"], check=True,
                           capture_output=True, text=True).stdout.strip()
    return found or "clang++-14"


def configure(compiler: str, directory: str, *options: str) -> list[str]:
    return [str(SCRIPTS / "configure.sh"), compiler, directory, *options]


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / script), *arguments]


def stages(arguments: argparse.Namespace, counts: str) -> dict[str, list[list[str]]]:
    """name -> commands; the last of each writes its counts where it is told to, or counts as one."""
    second = clang()
    run_tests = "tools/scripts/run_tests.py"
    # What it looks for are inputs, not seconds of a core: more at once than there are cores.
    fuzzers = ["--at-once", str(2 * (os.cpu_count() or 2))] if arguments.fault_level == "test" else []
    # Compiled for speed it takes more than twice as long, which pays when fuzzing for an hour.
    long = arguments.fault_level == "soak"
    with_fuzz = configure(second, "build-fuzz" if long else "build-asan", *SANITIZED, f"-Doptimization={int(long)}",
                          "-Db_sanitize=address,undefined", "-Dfuzz=true")
    # The tests are built by it for the sanitizers; here it is what else there is.
    clang_build = configure(second, "build-clang", "--buildtype=debug", "-Ddebug=false", "-Dwerror=true",
                            "-Dcompiler_gates=true", "-Dtools=enabled", "-Dexamples=true")
    return {
        "format": [[str(SCRIPTS / "format.sh"), "--check"]],
        # What `make run` builds is linked in another way than what is tested: each step has what it needs. Not built.
        "plan": [["make", "build", "BUILD=ninja -n"]],
        "gcc": [[str(SCRIPTS / "test.sh"), "--counts", counts]],
        "clang": [clang_build, python(run_tests, "build-clang", "--counts", counts, "--suite", "compiler")],
        # Run by the first stage too, as often as the level says; this one alone is for `make soak`.
        "faults": [configure("g++", "build-test"), python(run_tests, "build-test", "--counts", counts, "--suite", "faults",
                                                          "--timeout-multiplier", str(FAULT_TIMES[arguments.fault_level]))],
        "removals": [python("tests/faults/remove_steps.py", "build-test")],
        "asan": [with_fuzz, python(run_tests, "build-asan", "--counts", counts, *LIBRARY_SUITES,
                                   "--timeout-multiplier", "4")],
        "fuzz": [with_fuzz, ["ninja", "-C", with_fuzz[2], "-j", "2"],
                 python("tests/fuzz/run_fuzz.py", with_fuzz[2], "--files", str(arguments.file_fuzz_seconds),
                        "--messages", str(arguments.fuzz_seconds), *fuzzers, "--counts", counts)],
        "tsan": [configure(second, "build-tsan", *SANITIZED, "-Db_sanitize=thread", "-Dpostgres=disabled"),
                 # A thousand of them, as in the first stage, would take five minutes here.
                 ["env", "CREDPOOL_TLS_CLOSES=200", *python(run_tests, "build-tsan", "--counts", counts, *LIBRARY_SUITES,
                                                            "--timeout-multiplier", "6")]],
        "tidy": [clang_build, python("tools/scripts/run_tidy.py", "build-clang", "--seconds",
                                     str(arguments.tidy_seconds), "--counts", counts)],
    }


def run_stage(name: str, commands: list[list[str]], counts: pathlib.Path) -> Outcome:
    print(f"\n===== {name}", flush=True)
    counts.unlink(missing_ok=True)
    begin = time.monotonic()
    for command in commands:
        returned = subprocess.run(command, cwd=ROOT, check=False).returncode
        if returned != 0:
            break
    seconds = time.monotonic() - begin
    got = json.loads(counts.read_text(encoding="utf-8")) if counts.exists() else {"passed": 0, "failed": 0, "skipped": 0}
    if not counts.exists():
        got["passed" if returned == 0 else "failed"] += 1
    elif returned != 0 and got["failed"] == 0:
        got["failed"] += 1
    return Outcome(name, seconds, **got)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append")
    parser.add_argument("--fuzz-seconds", type=int, default=8, help="each target that reads messages")
    parser.add_argument("--file-fuzz-seconds", type=int, default=60, help="each target that parses a file")
    parser.add_argument("--tidy-seconds", type=int, default=100)
    parser.add_argument("--fault-level", choices=list(FAULT_TIMES), default="test")
    arguments = parser.parse_args()

    os.environ.update(SANITIZER_ENVIRONMENT, CREDPOOL_FAULT_LEVEL=arguments.fault_level, CCACHE_BASEDIR=str(ROOT),
                      CCACHE_NOHASHDIR="1")
    if arguments.fault_level == "test":  # the two that are quick: more than `make test` does
        os.environ.update(CREDPOOL_KILLS="1000", CREDPOOL_PROCESSES="64", CREDPOOL_CYCLES="30", CREDPOOL_TLS_CLOSES="1000")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="credpool-ci-") as folder:
        counts = pathlib.Path(folder) / "counts.json"
        if subprocess.run([str(SCRIPTS / "setup.sh"), "test"], check=False).returncode != 0:
            print("0 passed, 1 failed")
            return 1
        plan = stages(arguments, str(counts))
        unknown = set(arguments.only or []) - set(plan)
        if unknown:
            parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(plan)}")
        for name, commands in plan.items():
            if name in (arguments.only or set(plan) - ON_REQUEST):
                outcomes.append(run_stage(name, commands, counts))

    print("\nstage     seconds   passed   failed  skipped")
    for outcome in outcomes:
        print(f"{outcome.name:<8} {outcome.seconds:8.0f} {outcome.passed:8} {outcome.failed:8} {outcome.skipped:8}")
    print(f"all      {sum(outcome.seconds for outcome in outcomes):8.0f}")
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
