#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy over every body of the compiled flavour, two at a time; each body is one test.

Usage: run_tidy.py BUILD_DIR [--seconds N] [--counts FILE]

BUILD_DIR is configured with clang. What git says has changed comes first; what the time did not
suffice for is named, so that nothing is left out in silence.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def changed_bodies() -> set[str]:
    """The bodies of the last commit and of the working tree, as paths below impl/."""
    names = subprocess.run(["git", "-C", str(ROOT), "diff", "--name-only", "HEAD~1"], check=False,
                           capture_output=True, text=True).stdout.split()
    return {name.split("impl/", 1)[1] for name in names if "credpool/impl/" in name and name.endswith(".ipp")}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--counts", type=pathlib.Path)
    arguments = parser.parse_args()

    database = json.loads((arguments.build / "compile_commands.json").read_text(encoding="utf-8"))
    files = {}  # body -> generated file
    for entry in database:
        match = re.search(r"#include <credpool/impl/(.+\.ipp)>", body_text(arguments.build, entry["file"]))
        if match:
            files[match[1]] = str((arguments.build / entry["file"]).resolve())
    changed = changed_bodies()
    ordered = sorted(files, key=lambda body: (body not in changed, body))
    end = time.monotonic() + arguments.seconds

    def tidy(body: str) -> tuple[str, str | None]:
        """The body and what clang-tidy says; None when the time was over."""
        if time.monotonic() > end:
            return body, None
        ran = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(arguments.build), files[body]],
                             check=False, capture_output=True, text=True)
        return body, "" if ran.returncode == 0 else ran.stdout + ran.stderr

    passed, failed, unreached = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for body, said in pool.map(tidy, ordered):
            if said is None:
                unreached.append(body)
            elif said:
                failed += 1
                print(f"FAILED tidy {body}\n{said}", flush=True)
            else:
                passed += 1
    for body in unreached:
        print(f"SKIPPED tidy {body}: the {arguments.seconds} seconds were over")
    if not files:
        print("FAILED tidy: no body found")
        failed = 1
    if arguments.counts:
        arguments.counts.write_text(json.dumps({"passed": passed, "failed": failed, "skipped": len(unreached)}),
                                    encoding="utf-8")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def body_text(build: pathlib.Path, file: str) -> str:
    """The text of a generated file; empty for any other file."""
    path = (build / file).resolve()
    return path.read_text(encoding="utf-8") if path.is_relative_to(build.resolve()) else ""


if __name__ == "__main__":
    sys.exit(main())
