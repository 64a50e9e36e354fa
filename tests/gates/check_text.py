#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules on the text of the tree that need no compiler.

Usage: check_text.py ROOT
"""
import pathlib
import re
import sys

from tree import Tap, files

CODE = (".hpp", ".ipp", ".cpp", ".py", ".sh", ".js", "meson.build", "meson_options.txt", "Makefile")
CPP = (".hpp", ".ipp", ".cpp")
LIMIT = 600
TOO_LONG_ALLOWED: set[str] = set()  # paths; keep it empty
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "misc", "common", "stuff"}

# What a user of the headers can see of our macros. Each of these is documented in version.hpp.
MACROS_ALLOWED = {
    "CREDPOOL_VERSION_MAJOR", "CREDPOOL_VERSION_MINOR", "CREDPOOL_VERSION_PATCH", "CREDPOOL_VERSION_STRING",
    "CREDPOOL_INLINE", "CREDPOOL_ABI",
}

# Shapes of live keys. The fakes of the fixtures are shorter, or say that they are fakes.
SECRET_SHAPES = re.compile(
    r"ghp_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60}|AIza[A-Za-z0-9_-]{35}|sk-[A-Za-z0-9_-]{40}"
    r"|AKIA[A-Z0-9]{16}|xox[abp]-[0-9A-Za-z-]{20}|ya29\.[A-Za-z0-9_-]{40}|glpat-[A-Za-z0-9_-]{20}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{64}")
# Also: a character seven times in a row, which chance does not make.
FAKE = re.compile(r"fake|canary|example|(\w)\1{6}", re.IGNORECASE)

# Written in parts, so that this file does not name them itself.
FOREIGN_PLACES = re.compile("|".join(re.escape(left + right) for left, right in [
    ("/work", "/h/"), ("/work", "/main"), ("/work", "/shared"), ("/root", "/"), ("../", "shared"), ("registry.", "npmjs"), ("deb.", "debian.org"),
    ("pypi", ".org"), ("proxy.", "golang.org"), ("wrapdb.", "mesonbuild.com"), ("crates", ".io"),
]))
# The one file that may say where the public test data lies, if it is there.
FOREIGN_PLACES_ALLOWED = {"tests/meson.build"}

# A library takes its world as an argument. The pattern, and where it is at home.
IMPURE = [
    (re.compile(r"\bstd::(cout|cerr|clog)\b|\bf?printf\s*\(|\bputs\s*\("), set()),
    (re.compile(r"\b(std::)?(exit|_exit|abort|quick_exit|terminate)\s*\("), set()),
    (re.compile(r"\bgetenv\s*\(|\benviron\b"), {"impl/core/environment.ipp"}),
    (re.compile(r"\b(system_clock|steady_clock)::now\s*\(|(?<![\w.:>])time\s*\(\s*(nullptr|0|NULL)"),
     # The last one measures how long a server takes; no decision depends on what time it is.
     {"core/clock.hpp", "impl/transport/httplib_exchange.hpp"}),
    (re.compile(r"\b(__linux__|__APPLE__|_WIN32|__FreeBSD__)\b"), {"core/platform.hpp", "impl/core/wake_timer.ipp"}),
]


def without_comments(text: str) -> str:
    """Blanks out // comments and string literals, keeping the line numbers."""
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda match: '""' if match[0][0] == '"' else "", text)


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    library = root / "include/credpool"
    tap = Tap()

    def name(path: pathlib.Path) -> str:
        return path.relative_to(root).as_posix()

    texts = {}
    for path in files(root):
        try:
            texts[path] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            pass  # a binary, or a fixture that is broken on purpose
    code = {path: text for path, text in texts.items() if path.name.endswith(CODE) and "data" not in path.parts}
    cpp = {path: text for path, text in code.items() if path.name.endswith(CPP)}
    headers = {path: text for path, text in texts.items()
               if path.is_relative_to(library) and path.suffix in (".hpp", ".ipp")}

    tap.check("gates/text: sources are ASCII", [
        f"{name(path)}:{number}: not ASCII" for path, text in code.items()
        for number, line in enumerate(text.splitlines(), 1) if not line.isascii()])
    tap.check("gates/text: headers begin with #pragma once, then the licence", [
        name(path) for path, text in cpp.items()
        if path.suffix in (".hpp", ".ipp") and not text.startswith("#pragma once\n// SPDX-License-Identifier: MIT\n")])
    tap.check("gates/text: sources name the licence in their first lines", [
        name(path) for path, text in cpp.items()
        if "// SPDX-License-Identifier: MIT" not in text.splitlines()[:3]])
    tap.check(f"gates/text: no file is longer than {LIMIT} lines", [
        f"{name(path)}: {text.count(chr(10))} lines" for path, text in code.items()
        if text.count("\n") > LIMIT and name(path) not in TOO_LONG_ALLOWED])
    tap.check("gates/text: names say what is inside", [
        name(path) for path in texts
        if EMPTY_NAMES & {part.split(".")[0].lower() for part in path.relative_to(root).parts}])
    tap.check("gates/text: nothing looks like a live key", [
        f"{name(path)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0][:6]}..."
        for path, text in texts.items() for match in SECRET_SHAPES.finditer(text) if not FAKE.search(match[0])])
    tap.check("gates/text: no place of one machine, no registry", [
        f"{name(path)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in texts.items() if name(path) not in FOREIGN_PLACES_ALLOWED
        for match in FOREIGN_PLACES.finditer(text)])

    leaks = []
    for path, text in headers.items():
        defined = re.findall(r"^\s*#\s*define\s+(\w+)", text, re.MULTILINE)
        undefined = set(re.findall(r"^\s*#\s*undef\s+(\w+)", text, re.MULTILINE))
        leaks += [f"{name(path)}: {macro}" for macro in defined if macro not in undefined | MACROS_ALLOWED]
    tap.check("gates/text: the headers leave no other macro behind", leaks)

    impure = []
    for path, text in headers.items():
        for number, line in enumerate(without_comments(text).splitlines(), 1):
            for pattern, at_home in IMPURE:
                if path.relative_to(library).as_posix() not in at_home and (match := pattern.search(line)):
                    impure.append(f"{name(path)}:{number}: {match[0]}")
    tap.check("gates/text: the library neither prints, exits, nor reads the clock or the environment", impure)
    tap.check("gates/text: nothing is left to do", [
        f"{name(path)}:{number}: {line.strip()}" for path, text in code.items()
        for number, line in enumerate(text.splitlines(), 1) if re.search(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b", line)])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
