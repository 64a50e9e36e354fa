#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Removes the steps of the exchange, one at a time: a test must go red for each.

Usage: remove_steps.py BUILD_DIR [--only STEP]... [--jobs N] [--check]

BUILD_DIR has unit-refresh and the command built. A changed header is compiled into the objects that
include it, elsewhere, and the programs are linked anew with these in front: neither the tree nor
BUILD_DIR is touched. --check only sees whether each removal still fits the sources (exactly one place
each). TAP on stdout.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFRESH = "include/credpool/impl/refresh/"
UNIT, COMMAND = "tests/unit/unit-refresh", "tools/credpool/credpool-network"
ORDER = ("order_of_calls",)


@dataclasses.dataclass
class Step:
    name: str
    file: str
    there: str
    instead: str
    loops: tuple = ()  # tried when the unit tests stay green; scripts of this directory


STEPS = [
    Step("our own lock", "exchange_run.hpp", "FileLock::take(files_.lock,",
         'FileLock::take(files_.named("lock-" + random_hex()),'),
    Step("one flight in a process", "exchange_flight.hpp", "if (flight) return {flight, false};", ""),
    Step("the CLI's lock", "exchange_spend.hpp", "cli_lock_ = std::move(*lock);", "lock->reset();"),
    Step("the second look under the CLI's lock", "exchange_spend.hpp",
         "if (hash_of(login->tokens.refresh_token) != spent_ || other_account(login->tokens.account_id)) {",
         "if (false) {"),
    Step("the last look at the CLI's lock", "exchange_spend.hpp", "if (cli_lock_) ready = cli_lock_->still_held();", ""),
    Step("the journal before the send", "exchange_spend.hpp", "if (store_.single_use()) {\n    attempt_ = random_hex();",
         "if (false) {\n    attempt_ = random_hex();"),
    Step("the journal's fsync", "journal.hpp", "if (::fsync(journal.file_.get()) != 0) return give_up(errno);", "",
         ORDER),
    Step("the directory's fsync", "own_file.hpp", "if (!file || ::fsync(file.get()) != 0)", "if (!file)",
         ORDER),
    Step("the reserved space", "journal.hpp",
         "if (const int failed = reserve_space(journal.file_.get(), journal_reserve); failed != 0)",
         "if (const int failed = 0; failed != 0)", ORDER),
    Step("one body, once", "exchange_spend.hpp", "if (std::exchange(spend.asked, true))", "if (spend.asked)"),
    Step("the answer in the journal", "exchange_spend.hpp", "kept = spend.journal->keep(*sealed, now);", "(void)sealed;",
         ORDER),
    Step("the new file's fsync", "file_swap.hpp", "if (::fchmod(file_.get(), mode) != 0 || ::fsync(file_.get()) != 0)",
         "if (::fchmod(file_.get(), mode) != 0)", ORDER),
    Step("compare and swap", "file_swap.hpp", "if (**displaced == expected) {", "if (true) {"),
    Step("stored before it is used", "exchange_spend.hpp",
         "return store_granted(*granted, now, std::move(spend.room), ExchangeOutcome::exchanged);",
         "current_.tokens.access_token = granted->access_token;\n"
         "      return report(ExchangeOutcome::exchanged, current_.tokens);"),
    Step("recovery of a kept answer", "exchange_run.hpp",
         "if (journal_.state == JournalState::got) return recover_answer(journal_);", ""),
    Step("one late retry only", "exchange_run.hpp", "if (journal_.header.retry)", "if (false)"),
    Step("the list of the dead", "exchange_spend.hpp", "remember_dead(state_, spent_);", ""),
    Step("the rate of requests", "exchange_run.hpp", "if (const auto earliest = earliest_request(state_, world_.now())) {",
         "if (const auto earliest = std::optional<TimePoint>{}) {"),
]


class Changed:
    """The programs with one header of the exchange changed, in a directory of its own."""

    def __init__(self, build: pathlib.Path, place: pathlib.Path, step: Step | None):
        self.build, self.place, self.step = build, place, step
        self.objects: dict[str, str] = {}  # of BUILD_DIR -> with the change
        if step:
            header = place / REFRESH / step.file
            header.parent.mkdir(parents=True)
            text = (ROOT / REFRESH / step.file).read_text(encoding="utf-8")
            header.write_text(text.replace(step.there, step.instead), encoding="utf-8")

    def run(self, command: str) -> None:
        done = subprocess.run(command, shell=True, cwd=self.build, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError((done.stdout + done.stderr)[-2000:])

    def last_command(self, target: str) -> str:
        return subprocess.run(["ninja", "-t", "commands", "-s", target], cwd=self.build, check=True, capture_output=True,
                              text=True).stdout.strip()

    def compile(self, using: dict[str, set[str]]) -> None:
        for number, before in enumerate(sorted(using.get(self.step.file, ())) if self.step else ()):
            after = str(self.place / f"{number}.o")
            command = self.last_command(before).replace(before, after).replace(" -Werror", "")
            self.run(command.replace(" -I", f" -I{self.place / 'include'} -I", 1))
            self.objects[before] = after

    def link(self, program: str) -> pathlib.Path:
        after = self.place / pathlib.Path(program).name
        command = self.last_command(program)
        first = []
        for before, changed in self.objects.items():
            if f" {before} " in command:
                command = command.replace(f" {before} ", f" {changed} ")
            elif before.startswith("include/"):  # of a library: the one in front is taken
                first.append(changed)
        self.run(command.replace(f"-o {program} ", f"-o {after} {' '.join(first)} ", 1))
        return after

    def red(self, loops: tuple) -> str | None:
        """Which test fails, if any."""
        # What a sync does to the time is not what is looked at here.
        memory = {"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {}
        try:
            unit = subprocess.run([str(self.link(UNIT)), "-tc=refresh/exchange:*", "-aa=1"], capture_output=True,
                                  text=True, timeout=300, env={**os.environ, **memory})
        except subprocess.TimeoutExpired:
            return f"{UNIT} (hangs)"
        if unit.returncode != 0:
            failed = [line for line in unit.stdout.splitlines() if line.startswith("not ok")]
            return failed[0] if failed else f"{UNIT}: exit {unit.returncode}"
        if not loops:
            return None
        environment = {"CREDPOOL_PEERS": str(ROOT / "build-peers"), **os.environ, **memory,
                       "CREDPOOL_PROGRAM": str(self.link(COMMAND))}
        for loop in loops:
            done = subprocess.run([sys.executable, str(ROOT / "tests/e2e/run_tap.py"), str(ROOT / "tests/faults" / f"{loop}.py")],
                                  capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                failed = [line for line in done.stdout.splitlines() if line.startswith("not ok")]
                return f"{loop}: {failed[0] if failed else done.stderr[-500:]}"
        return None


def objects_using(build: pathlib.Path) -> dict[str, set[str]]:
    """Header of the exchange -> the objects that include it, as the compiler said."""
    listed = subprocess.run(["ninja", "-t", "deps"], cwd=build, check=True, capture_output=True, text=True).stdout
    using: dict[str, set[str]] = {}
    target = ""
    for line in listed.splitlines():
        if line and not line.startswith(" "):
            # Of the library and of the one test program: the command's own sources include none.
            name = line.split(": #deps")[0]
            target = name if name.startswith(("include/libcredpool", f"{UNIT}.p/")) else ""
        elif target and f"/{REFRESH}" in line:
            using.setdefault(line.rsplit("/", 1)[1], set()).add(target)
    return using


def tried(build: pathlib.Path, using: dict[str, set[str]], step: Step | None, loops: tuple) -> tuple[str | None, float]:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="credpool-without-") as place:
        changed = Changed(build, pathlib.Path(place), step)
        changed.compile(using)
        if step and not changed.objects:
            raise RuntimeError(f"no object includes {step.file}")
        return changed.red(loops), time.monotonic() - begin


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    count, failed, begin = 0, False, time.monotonic()

    def line(good: bool, name: str, *comments: str) -> None:
        nonlocal count, failed
        count += 1
        failed |= not good
        for comment in comments:
            print("\n".join(f"# {row}" for row in comment.splitlines()))
        print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)

    steps = [step for step in STEPS if not options.only or step.name in options.only]
    for step in steps:
        path = ROOT / REFRESH / step.file
        places = path.read_text(encoding="utf-8").count(step.there) if path.exists() else 0
        line(places == 1, f"the removal fits: {step.name}", *([] if places == 1 else
             [f"{places} places in {step.file} instead of one: {step.there}"]))
    if not options.check and not failed:
        build = options.build.resolve()
        subprocess.run(["ninja", "-C", str(build), UNIT, COMMAND], check=True, stdout=subprocess.DEVNULL)
        using = objects_using(build)
        red, seconds = tried(build, using, None, ORDER)
        line(red is None, "with every step there all is green", red or f"{seconds:.0f} s")
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = {step.name: pool.submit(tried, build, using, step, step.loops) for step in steps if not failed}
            for name, run in runs.items():
                try:
                    red, seconds = run.result()
                    line(red is not None, f"red without {name}", f"{seconds:.0f} s; " +
                         (f"by {red}" if red else "every test stays green"))
                except RuntimeError as error:
                    line(False, f"red without {name}", f"does not compile: {error}")
        print(f"# {time.monotonic() - begin:.0f} s in all")
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
