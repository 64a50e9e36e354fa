#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes one C++ file that compiles several test files at once: most of a test's compile time is its headers.

Usage: together.py OUTPUT FILE...

What the files include comes first, so that nothing is left to include inside of the namespace that each of
them is given for its own names.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<[^>]+>|"[^"]+")', re.MULTILINE)


def includes_of(path: pathlib.Path) -> list[str]:
    found = INCLUDE.findall(path.read_text(encoding="utf-8"))
    beside = {name: path.parent / name.strip('"') for name in found if name.startswith('"')}
    return [f'"{beside[name].resolve()}"' if name in beside and beside[name].exists() else name for name in found]


def main() -> int:
    paths = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    includes = dict.fromkeys(name for path in paths for name in includes_of(path))
    lines = [f"#include {name}" for name in includes]
    for number, path in enumerate(paths):
        lines += [f"namespace together_{number} {{", f'#include "{path}"', "}"]
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
