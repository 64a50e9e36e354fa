# SPDX-License-Identifier: MIT
"""What the gates share: the files of the tree, and results in the Test Anything Protocol."""
import pathlib

SKIPPED_FOLDERS = {"node_modules", "__pycache__", ".cache", "single_include"}


class Tap:
    """One line per check; what is wrong stands before it as comments."""

    def __init__(self) -> None:
        self.count = 0
        self.failed = False

    def check(self, name: str, problems: list[str]) -> None:
        for problem in problems:
            for line in problem.splitlines():
                print(f"# {line}")
        self.failed |= bool(problems)
        self.count += 1
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}", flush=True)

    def end(self) -> int:
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def files(root: pathlib.Path, *endings: str) -> list[pathlib.Path]:
    """The files of the tree with one of these endings (all, when none is named), sorted."""
    found = []

    def walk(folder: pathlib.Path) -> None:
        for entry in sorted(folder.iterdir()):
            top = entry.parent == root
            if entry.is_symlink() or entry.name == ".git":
                continue
            if entry.is_dir():
                if entry.name in SKIPPED_FOLDERS or (top and entry.name.startswith("build")):
                    continue
                if entry.parent == root / "subprojects":
                    continue
                walk(entry)
            elif not endings or entry.name.endswith(endings):
                found.append(entry)

    walk(root)
    return found
