#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Removes the steps of the exchange, one at a time, from a copy: a test must go red for each.

Usage: remove_steps.py BUILD_DIR [--only STEP]... [--check]

--check only sees whether each removal still fits the sources (exactly one place each). TAP on stdout.
BUILD_DIR keeps the copy and its objects from one run to the next.
"""
import argparse
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFRESH = "include/credpool/impl/refresh/"
UNIT = "unit-refresh"


@dataclasses.dataclass
class Step:
    name: str
    file: str
    there: str
    instead: str
    loops: tuple = ()  # tried when the unit tests stay green; scripts of this directory


STEPS = [
    Step("our own lock", "exchange_run.hpp", "FileLock::take(files_.lock,",
         'FileLock::take(files_.named("lock-" + random_hex()),', ("many_processes",)),
    Step("one flight in a process", "exchange_flight.hpp", "if (flight) return {flight, false};", ""),
    Step("the CLI's lock", "exchange_spend.hpp", "cli_lock_ = std::move(*lock);", "lock->reset();", ("mixed_with_clis",)),
    Step("the second look under the CLI's lock", "exchange_spend.hpp",
         "if (hash_of(login->tokens.refresh_token) != spent_ || other_account(login->tokens.account_id)) {",
         "if (false) {", ("mixed_with_clis",)),
    Step("the last look at the CLI's lock", "exchange_spend.hpp", "if (cli_lock_) ready = cli_lock_->still_held();", ""),
    Step("the journal before the send", "exchange_spend.hpp", "if (store_.single_use()) {\n    attempt_ = random_hex();",
         "if (false) {\n    attempt_ = random_hex();", ("kill_helper_each_syscall",)),
    Step("the journal's fsync", "journal.hpp", "if (::fsync(journal.file_.get()) != 0) return give_up(errno);", "",
         ("order_of_calls",)),
    Step("the directory's fsync", "own_file.hpp", "if (!file || ::fsync(file.get()) != 0)", "if (!file)",
         ("order_of_calls",)),
    Step("the reserved space", "journal.hpp",
         "if (const int failed = reserve_space(journal.file_.get(), journal_reserve); failed != 0)",
         "if (const int failed = 0; failed != 0)", ("order_of_calls",)),
    Step("one body, once", "exchange_spend.hpp", "if (std::exchange(spend.asked, true))", "if (spend.asked)"),
    Step("the answer in the journal", "exchange_spend.hpp", "kept = spend.journal->keep(*sealed, now);", "(void)sealed;",
         ("order_of_calls",)),
    Step("the new file's fsync", "file_swap.hpp", "if (::fchmod(file_.get(), mode) != 0 || ::fsync(file_.get()) != 0)",
         "if (::fchmod(file_.get(), mode) != 0)", ("order_of_calls",)),
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


class Copy:
    """The tree in a directory of its own, built without optimisation."""

    def __init__(self, place: pathlib.Path):
        self.source, self.build = place / "source", place / "build"

    def refresh(self) -> None:
        """What differs from the tree is copied; the objects of the rest stay good."""
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True).stdout
        for name in listed.decode().split("\0"):
            here, there = ROOT / name, self.source / name
            if not name or not here.is_file():
                continue
            if not there.exists() or there.read_bytes() != here.read_bytes():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(here, there)
                there.touch()
        if not (self.build / "build.ninja").exists():
            subprocess.run(["meson", "setup", str(self.build), str(self.source), "-Dtests=true", "-Dtools=enabled",
                            "-Doptimization=0", "-Ddebug=false"], check=True, stdout=subprocess.DEVNULL)

    def ninja(self, target: str) -> str | None:
        """None when it is built, else the compiler's last words."""
        done = subprocess.run(["ninja", "-C", str(self.build), target], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stdout[-2000:]

    def red(self, loops: tuple) -> str | None:
        """Which test fails, if any."""
        if words := self.ninja(f"tests/unit/{UNIT}"):
            raise RuntimeError(words)
        try:
            unit = subprocess.run([str(self.build / "tests/unit" / UNIT), "-tc=refresh/exchange*"], capture_output=True,
                                  text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return f"{UNIT} (hangs)"
        if unit.returncode != 0:
            failed = [line for line in unit.stdout.splitlines() if line.startswith("not ok")]
            return failed[0] if failed else f"{UNIT}: exit {unit.returncode}"
        if loops and (words := self.ninja("tools/credpool/credpool")):
            raise RuntimeError(words)
        for loop in loops:
            done = subprocess.run([sys.executable, str(self.source / "tests/e2e/run_tap.py"),
                                   str(self.source / "tests/faults" / f"{loop}.py")], capture_output=True, text=True,
                                  env={**os.environ, "CREDPOOL_PROGRAM": str(self.build / "tools/credpool/credpool"),
                                       "CREDPOOL_PEERS": os.environ.get("CREDPOOL_PEERS", str(ROOT / "build-peers"))})
            if done.returncode != 0:
                return f"{loop}"
        return None


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    count, failed = 0, False

    def line(good: bool, name: str, *comments: str) -> None:
        nonlocal count, failed
        count += 1
        failed |= not good
        for comment in comments:
            print("\n".join(f"# {row}" for row in comment.splitlines()))
        print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)

    steps = [step for step in STEPS if not options.only or step.name in options.only]
    for step in steps:
        text = (ROOT / REFRESH / step.file).read_text(encoding="utf-8") if (ROOT / REFRESH / step.file).exists() else ""
        places = text.count(step.there)
        line(places == 1, f"the removal fits: {step.name}", *([] if places == 1 else
             [f"{places} places in {step.file} instead of one: {step.there}"]))
    if not options.check and not failed:
        copy = Copy(options.build.resolve())
        copy.refresh()
        everything = tuple(dict.fromkeys(loop for step in steps for loop in step.loops))
        line((red := copy.red(everything)) is None, "with every step there all is green", red or "")
        for step in steps if not failed else []:
            file = copy.source / REFRESH / step.file
            whole = file.read_text(encoding="utf-8")
            file.write_text(whole.replace(step.there, step.instead), encoding="utf-8")
            try:
                red = copy.red(step.loops)
                line(red is not None, f"red without {step.name}", f"by {red}" if red else "every test stays green")
            except RuntimeError as error:
                line(False, f"red without {step.name}", f"does not compile: {error}")
            finally:
                file.write_text(whole, encoding="utf-8")
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
