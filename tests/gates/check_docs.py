#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documentation against the tree: links lead somewhere, and every error has its row.

Usage: check_docs.py ROOT
"""
import pathlib
import re
import sys

from tree import Tap, files

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


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

    undocumented = [path.relative_to(root).as_posix() for path in sorted((root / "docs").rglob("*.md"))
                    if not pages[path].startswith("# ")]
    tap.check("gates/docs: every page begins with its title", undocumented)
    targets = re.findall(r"^([a-z]+):.*", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for text in pages.values() for name in re.findall(r"`make ([a-z]+)", text)}
    tap.check("gates/docs: every `make` target that a page names exists", sorted(named - set(targets)))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
