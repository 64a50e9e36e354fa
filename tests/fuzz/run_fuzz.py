#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every fuzz target for so many seconds and counts each as one test.

Usage: run_fuzz.py BUILD_DIR --files SECONDS --messages SECONDS [--at-once N] [--counts FILE] [--only NAME]

The two lengths are for the targets in files/, which parse files, and in messages/, which read what others
send. The first inputs are tests/fuzz/corpus/NAME/; what is found on the way stays in
BUILD_DIR/corpus/NAME/ and a crash in BUILD_DIR/crashes/. Inputs that once crashed belong into the committed corpus.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MAX_INPUT_BYTES = 16384
FOLDERS = ("files", "messages")


def fuzz(program: pathlib.Path, build: pathlib.Path, seconds: int) -> tuple[str, bool, str]:
    """Runs one target; returns its name, whether it held, and a line (or the report) about it."""
    name = program.name
    corpus, crashes = build / "corpus" / name, build / "crashes"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    seeds = HERE / "corpus" / name
    command = [str(program), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024",
               f"-max_len={MAX_INPUT_BYTES}", "-print_final_stats=1", "-verbosity=1",
               f"-artifact_prefix={crashes}/{name}-", str(corpus)]
    if not seeds.is_dir() or not any(seeds.iterdir()):
        return name, False, f"no first inputs in tests/fuzz/corpus/{name}"
    try:
        ran = subprocess.run([*command, str(seeds)], check=False, capture_output=True, text=True, errors="replace",
                             timeout=seconds + 120)
    except subprocess.TimeoutExpired:
        return name, False, "did not stop when its time was over"
    if ran.returncode != 0:
        told = [line for line in ran.stderr.splitlines() if not re.match(r"#\d+\t", line)]  # else: its progress
        return name, False, "\n".join(told[-60:])
    runs = re.search(r"number_of_executed_units:\s*(\d+)", ran.stderr)
    coverage = re.findall(r"\bcov: (\d+)", ran.stderr)
    return name, True, f"{runs[1] if runs else '?'} runs, {coverage[-1] if coverage else '?'} edges"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    for folder in FOLDERS:
        parser.add_argument(f"--{folder}", type=int, required=True, metavar="SECONDS")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--counts", type=pathlib.Path)
    parser.add_argument("--only")
    arguments = parser.parse_args()

    build = arguments.build.resolve()
    runs = [(build / "tests/fuzz" / source.stem, getattr(arguments, folder)) for folder in FOLDERS
            for source in sorted(HERE.glob(f"{folder}/fuzz_*.cpp")) if arguments.only in (None, source.stem)]
    passed, failed = 0, 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=arguments.at_once) as pool:
        for name, held, about in pool.map(lambda run: fuzz(run[0], build, run[1]), runs):
            print(f"{'ok' if held else 'FAILED'} {name}: {about}", flush=True)
            passed, failed = passed + held, failed + (not held)
    if not runs:
        print("FAILED: there is no fuzz target")
        failed = 1
    if arguments.counts:
        arguments.counts.write_text(json.dumps({"passed": passed, "failed": failed, "skipped": 0}), encoding="utf-8")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
