#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the files below a folder that match a pattern, sorted, one a line: Meson's missing glob.

Usage: list_files.py FOLDER PATTERN [--relative-to BASE] [--flat] [--with-line TEXT]

--flat looks at the folder itself only; --with-line keeps the files with a line that begins with TEXT.
"""
import argparse
import pathlib
import sys


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("pattern")
    parser.add_argument("--relative-to", type=pathlib.Path)
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--with-line")
    arguments = parser.parse_args()
    base = arguments.relative_to or arguments.folder
    find = arguments.folder.glob if arguments.flat else arguments.folder.rglob
    for path in sorted(find(arguments.pattern)):
        lines = path.read_text(encoding="utf-8").splitlines() if arguments.with_line else []
        if arguments.with_line and not any(line.startswith(arguments.with_line) for line in lines):
            continue
        print(path.relative_to(base).as_posix())
    return 0


if __name__ == "__main__":
    sys.exit(main())
