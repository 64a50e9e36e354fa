#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs an example in an empty home, or in a copy of NAME.home/ where there is one, and compares what it
prints with NAME.expected. Programs of FOLDER can be called by their names.

Usage: run_example.py PROGRAM EXPECTED [FOLDER]
"""
import difflib
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main() -> int:
    program, expected = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    path = ":".join([*sys.argv[3:4], "/usr/bin", "/bin"])
    with tempfile.TemporaryDirectory(prefix="credpool-example-") as home:
        template = expected.with_suffix(".home")
        if template.is_dir():
            shutil.copytree(template, home, dirs_exist_ok=True)
        ran = subprocess.run([program], env={"HOME": home, "PATH": path}, cwd=home, check=False,
                             capture_output=True, text=True, timeout=50)
    difference = list(difflib.unified_diff(expected.read_text(encoding="utf-8").splitlines(),
                                           ran.stdout.splitlines(), "expected", "printed", lineterm=""))
    print("\n".join(difference))
    if ran.returncode != 0:
        print(f"exit code {ran.returncode}\n{ran.stderr}")
    return 1 if difference or ran.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
