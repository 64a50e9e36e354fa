#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lines that must not compile, in pairs: the file compiles without the bad line, and fails with it.

Each file names, in a line `// expect: REGEX`, what the compiler must say about the bad line, which
stands under `#if defined(BAD_LINE)`.

Usage: run.py ROOT COMPILER...
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "gates"))
from tree import Tap  # noqa: E402  (found by the line above)


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    compiler = [part for part in sys.argv[2:] if not part.endswith("ccache")]
    # The compiled flavour: the bodies have no part in this, and it is fast.
    command = [*compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-DCREDPOOL_COMPILED",
               f"-I{root / 'include'}"]
    tap = Tap()
    for path in sorted(HERE.glob("*.cpp")):
        expected = re.search(r"^// expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        good = subprocess.run([*command, str(path)], check=False, capture_output=True, text=True)
        tap.check(f"compile_fail/{path.stem}: compiles without the bad line",
                  good.stderr.splitlines()[:15] if good.returncode != 0 else [])
        bad = subprocess.run([*command, "-DBAD_LINE", str(path)], check=False, capture_output=True, text=True)
        problems = []
        if bad.returncode == 0:
            problems = ["it compiles with the bad line"]
        elif expected is None or not re.search(expected[1], bad.stderr):
            problems = [f"the compiler does not say: {expected[1] if expected else '(no expect line)'}",
                        *bad.stderr.splitlines()[:15]]
        tap.check(f"compile_fail/{path.stem}: the bad line is refused", problems)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
