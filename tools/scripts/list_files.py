#!/usr/bin/env python3
"""Prints the files below a folder that match a pattern, sorted, one a line: Meson's missing glob.

Usage: list_files.py FOLDER PATTERN [--relative-to BASE]
"""
import pathlib
import sys


def main() -> int:
    folder, pattern = pathlib.Path(sys.argv[1]), sys.argv[2]
    base = pathlib.Path(sys.argv[4]) if len(sys.argv) == 5 else folder
    for path in sorted(folder.rglob(pattern)):
        print(path.relative_to(base).as_posix())
    return 0


if __name__ == "__main__":
    sys.exit(main())
