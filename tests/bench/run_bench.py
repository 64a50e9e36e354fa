#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints every benchmark in one run: the programs of this folder, then the whole-process figures.

Usage: run_bench.py BUILD_DIR [--pairs N] [--only programs|scan|compile]
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from whole_process import Sample, measure, peak_kib  # noqa: E402  (found by the line above)


def run_programs(build: pathlib.Path) -> bool:
    good = True
    for source in sorted(HERE.glob("*.cpp")):
        print(f"\n===== {source.stem}", flush=True)
        good &= subprocess.run([build / f"tests/bench/bench-{source.stem}"], check=False).returncode == 0
    return good


def show(name: str, samples: list[Sample], peak: int) -> None:
    wall = [sample.wall * 1000 for sample in samples]
    print(f"{name:<16} median {statistics.median(wall):8.2f} ms   min {min(wall):8.2f} ms   "
          f"peak {peak / 1024:6.1f} MiB")


def scan_beside_node(build: pathlib.Path, pairs: int) -> bool:
    """`credpool scan` over the demo home beside `node -e 0`, in pairs, so that both see the same machine:
    when nothing has changed since the scan before; when one file has, so that all are read; when Gemini's encrypted
    store is opened too; and all files without that store."""
    print(f"\n===== credpool scan beside node -e 0, {pairs} pairs", flush=True)
    credpool, node = build / "tools/credpool/credpool", shutil.which("node")
    if not credpool.exists() or node is None:
        print(f"NOT MEASURED: {'node' if credpool.exists() else credpool} is not there")
        return False
    with tempfile.TemporaryDirectory(prefix="credpool-bench-") as folder:
        home = pathlib.Path(folder) / "home"
        environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        made = subprocess.run([credpool, "demo", "--home", home], env=environment, check=False,
                              capture_output=True, text=True)
        if made.returncode != 0:
            print(f"NOT MEASURED: the demo home could not be made:\n{made.stderr}")
            return False
        scan, start = [str(credpool), "scan"], [node, "-e", "0"]
        scan_answers = (0, 1, 2)  # the demo home has logins that are missing, expired or about to be
        measure(start, environment)  # to warm the page cache
        # To open Gemini's encrypted store costs 16 MiB and tens of milliseconds, as its CLI wants it.
        store = home / ".gemini/gemini-credentials.json"
        state = home / ".local/state/credpool"
        measure(scan, environment, scan_answers)
        time.sleep(2.5)  # what has changed just now is not relied upon
        login, opened = home / ".codex/auth.json", state / "opened-stores.json"
        for name, changed in (("scan", False), ("scan, files read", True), ("scan, new store", True),
                              ("scan, no gemini", True)):
            def prepared(what, *arguments, name=name, changed=changed):
                if changed:
                    login.chmod(0o600)  # the time of its change is another one
                if name == "scan, new store":
                    opened.unlink(missing_ok=True)
                return what(scan, environment, *arguments)

            if name == "scan, no gemini":
                store.unlink()
            for _ in range(2):  # the first one of all writes the memo, the next that the history stands
                prepared(measure, scan_answers)
            peaks = prepared(peak_kib), peak_kib(start, environment)
            samples = [(prepared(measure, scan_answers), measure(start, environment)) for _ in range(pairs)]
            show(name, [ours for ours, _ in samples], peaks[0])
            show("node -e 0", [theirs for _, theirs in samples], peaks[1])
            ratio = statistics.median(theirs.wall / ours.wall for ours, theirs in samples)
            print(f"node / credpool, median of the pairs: {ratio:.1f} (goal: 10); peak goal: 20 MiB")
    return True


def token_beside_node(build: pathlib.Path, pairs: int) -> bool:
    """`openclaw-token --mock --json credits balance` beside `node -e 0`, in pairs."""
    print(f"\n===== openclaw-token --mock --json credits balance beside node -e 0, {pairs} pairs", flush=True)
    program, node = build / "tools/openclaw-token/openclaw-token", shutil.which("node")
    if not program.exists() or node is None:
        print(f"NOT MEASURED: {'node' if program.exists() else program} is not there")
        return False
    with tempfile.TemporaryDirectory(prefix="credpool-bench-") as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"]}
        balance, start = [str(program), "--mock", "--json", "credits", "balance"], [node, "-e", "0"]
        for command in (balance, start):  # the first makes the accounts; both warm the page cache
            measure(command, environment)
        peaks = peak_kib(balance, environment), peak_kib(start, environment)
        samples = [(measure(balance, environment), measure(start, environment)) for _ in range(pairs)]
        show("credits balance", [ours for ours, _ in samples], peaks[0])
        show("node -e 0", [theirs for _, theirs in samples], peaks[1])
        ratio = statistics.median(theirs.wall / ours.wall for ours, theirs in samples)
        print(f"node / openclaw-token, median of the pairs: {ratio:.1f} (goal: 10); "
              f"memory: {peaks[1] / peaks[0]:.1f} (goal: 10)")
    return True


def compile_cost() -> bool:
    """CPU seconds for one file that includes the umbrella and uses it, -O2."""
    print("\n===== one file that includes the umbrella, CPU seconds at -O2, median of 3", flush=True)
    flags = subprocess.run(["pkg-config", "--cflags", "nlohmann_json", "libcrypto", "tomlplusplus", "yaml-0.1"],
                           check=True, capture_output=True, text=True).stdout.split()
    good = True
    with tempfile.TemporaryDirectory(prefix="credpool-bench-") as folder:
        for compiler in ("g++", "clang++-14"):
            for flavour, definitions in (("header-only", []), ("compiled", ["-DCREDPOOL_COMPILED"])):
                if shutil.which(compiler) is None:
                    print(f"NOT MEASURED: {compiler} is not there")
                    good = False
                    continue
                command = [compiler, "-std=c++20", "-O2", f"-I{ROOT / 'include'}", *flags, *definitions, "-c",
                           str(ROOT / "examples/subproject/logins.cpp"), "-o", f"{folder}/logins.o"]
                samples = [measure(command, dict(os.environ)) for _ in range(3)]
                cpu = statistics.median(sample.cpu for sample in samples)
                peak = peak_kib(command, dict(os.environ)) / 1024
                print(f"{compiler:<12}{flavour:<14}{cpu:6.2f} s   peak {peak:6.0f} MiB", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--only", choices=["programs", "scan", "token", "compile"])
    arguments = parser.parse_args()
    build = arguments.build.resolve()

    good = True
    if arguments.only in (None, "programs"):
        good &= run_programs(build)
    if arguments.only in (None, "scan"):
        good &= scan_beside_node(build, arguments.pairs)
    if arguments.only in (None, "token"):
        good &= token_beside_node(build, arguments.pairs)
    if arguments.only in (None, "compile"):
        good &= compile_cost()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
