#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documentation against the tree: links lead somewhere, every error has its row, tests that are named exist.

Usage: check_docs.py ROOT
"""
import pathlib
import re
import sys

from tree import Tap, files

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)

# A test as a page names it: the file below tests/, and the case without its area, the method or the function.
TEST = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:cpp|hpp|py)): ([^`]+)`")
CASE = re.compile(r'TEST_CASE(?:_TEMPLATE)?\(\s*((?:"[^"\n]*"\s*)+)')
FLAWS = [f"{kind}{number}" for kind, last in (("S", 8), ("M", 9), ("R", 5), ("C", 13), ("L", 5)) for number in range(1, last + 1)]


def cases_of(path: pathlib.Path) -> set[str]:
    """What a file's tests are called."""
    if not path.is_file():
        return set()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^    def (test_\w+)\(self", text, re.MULTILINE))
    if path.suffix == ".hpp":  # a part of a suite that several models go through
        return set(re.findall(r"^inline void (\w+)\(", text, re.MULTILINE))
    named = ("".join(re.findall(r'"([^"]*)"', found)) for found in CASE.findall(text))
    return {name.split(": ", 1)[-1] for name in named}


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = {path: path.read_text(encoding="utf-8") for path in files(root, ".md")}
    tap = Tap()

    broken = []
    for path, text in pages.items():
        for target in LINK.findall(without_code(text)):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(root)}: {target}")
    tap.check("gates/docs: every relative link leads to a file", broken)

    errors_page = root / "docs/errors.md"
    if errors_page in pages:
        header = (root / "include/credpool/core/error.hpp").read_text(encoding="utf-8")
        body = re.search(r"enum class Errc \{(.*?)\};", header, re.DOTALL)[1]
        names = re.findall(r"^\s*(\w+)(?:\s*=\s*\d+)?,", body, re.MULTILINE)
        rows = re.findall(r"^\|\s*`(\w+)`", pages[errors_page], re.MULTILINE)
        tap.check("gates/docs: docs/errors.md has one row for each Errc",
                  [f"no row: {name}" for name in names if name not in rows] +
                  [f"not an Errc: {name}" for name in rows if name not in names])

    missing = [f"{path.relative_to(root)}: {file}: {case}" for path, text in pages.items() for file, case in TEST.findall(text)
               if case not in cases_of(root / "tests" / file)]
    tap.check("gates/docs: every test that a page names exists", missing)
    accounts = root / "docs/accounts.md"
    if accounts in pages:
        rows = [row for row in pages[accounts].split("## What others got wrong")[-1].splitlines() if row.startswith("| ")][2:]
        shown = {name for row in rows if TEST.search(row) for name in re.findall(r"\b[SMRCL]\d+\b", row.split("|")[1])}
        tap.check("gates/docs: docs/accounts.md has tests for every flaw", [name for name in FLAWS if name not in shown] +
                  [f"names no test: {row}" for row in rows if not TEST.search(row)])

    undocumented = [path.relative_to(root).as_posix() for path in sorted((root / "docs").rglob("*.md"))
                    if not pages[path].startswith("# ")]
    tap.check("gates/docs: every page begins with its title", undocumented)
    targets = re.findall(r"^([a-z]+):.*", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for text in pages.values() for name in re.findall(r"`make ([a-z]+)", text)}
    tap.check("gates/docs: every `make` target that a page names exists", sorted(named - set(targets)))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
