#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles as a file of its own, included twice, header-only and compiled flavour.

Which ones the build has to compile for that (--plan, a line each: flavour, whether opt-in, name), and the
rules that make the others follow (--check); --forward prints a file that compiles when what fwd.hpp declares exists.

Compiled flavour: a header with a body is the first thing that its body includes, so where the build compiles
each body by itself (--bodies-alone) the header has been compiled. Header-only is that plus the bodies: header
and body thus name what they need. What can still go wrong is the order in which a header meets itself again
before it is complete, and that needs a circle of includes with another public header in it (its own body, and
what that is made of, come last). So header-only the headers in such a circle are compiled by themselves, the
others as parts of those that include them.

Usage: headers.py --plan|--check|--forward ROOT [--bodies-alone]
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "gates"))
from tree import Tap  # noqa: E402  (found by the line above)

INCLUDE = re.compile(r"^\s*#\s*include <(credpool/[^>]+)>", re.MULTILINE)
OPT_IN = re.compile(r"^// Opt-in: (.*)", re.MULTILINE)
BODIES = re.compile(r"^#if !defined\(CREDPOOL_COMPILED\)\n(?:#include <credpool/impl/[\w/]+\.ipp>\n)+#endif\n\Z", re.MULTILINE)


def reached_by(name: str, includes: dict[str, set[str]]) -> set[str]:
    """What a file includes, and what that includes; itself only when it stands in a circle."""
    reached, waiting = set(), list(includes[name])
    while waiting:
        if (found := waiting.pop()) not in reached:
            reached.add(found)
            waiting += includes[found]
    return reached


def body_of(name: str) -> str:
    return name.replace("credpool/", "credpool/impl/", 1).removesuffix(".hpp") + ".ipp"


def header_only_alone(include: pathlib.Path, public: list[str]) -> set[str]:
    """The headers to compile header-only by themselves: every one is among them, or part of one of them and
    in no circle with another."""
    texts = {path.relative_to(include).as_posix(): path.read_text(encoding="utf-8")
             for path in (include / "credpool").rglob("*") if path.suffix in (".hpp", ".ipp")}
    includes = {name: {found for found in INCLUDE.findall(text) if found in texts} for name, text in texts.items()}
    reached = {name: reached_by(name, includes) for name in texts}

    def in_circle(name: str) -> bool:
        return any(name in reached[other] for other in reached[name].intersection(public) - {name})

    alone = {name for name in public if in_circle(name)}
    for name in sorted(public, key=lambda each: (-len(reached[each]), each)):  # the largest first
        if not any(name in reached[other] for other in alone):
            alone.add(name)
    return alone


def misplaced(include: pathlib.Path, name: str) -> list[str]:
    """Complaints when the header's body includes something else before it, or is not the last thing in it."""
    body = body_of(name)
    first = re.search(r"^\s*#\s*include\s*[<\"]([^>\"]+)", (include / body).read_text(encoding="utf-8"), re.MULTILINE)
    found = first[1] if first else ""
    problems = []
    if found != name:
        problems.append(f"{body}: the first include is <{found}>, not <{name}>, which so is never compiled by itself")
    text = (include / name).read_text(encoding="utf-8")
    last = BODIES.search(text)
    # A body of nothing but instantiations is the compiled flavour's alone.
    if f"#include <{body}>" in text[:last.start() if last else None]:
        problems.append(f"{name}: does not end with its body")
    return problems


def declared_in(forward: str) -> list[str]:
    """The names of the complete, non-template types that fwd.hpp declares."""
    plain = re.sub(r"template <[^;]*;", "", forward)
    return re.findall(r"^(?:enum class|class|struct) (\w+)", plain, re.MULTILINE)


def wanted_by(text: str) -> str:
    """Whose flags the header needs: the library's, or those of an opt-in header."""
    found = OPT_IN.search(text)
    return "library" if not found else "postgres" if "libpq" in found[1] else "engine" if "Linux" in found[1] else "opt-in"


def main() -> int:
    include = pathlib.Path(sys.argv[2]).resolve() / "include"
    public = {name: path.read_text(encoding="utf-8") for path in sorted((include / "credpool").rglob("*.hpp"))
              if not (name := path.relative_to(include).as_posix()).startswith("credpool/impl/")}
    with_body = [name for name in public if (include / body_of(name)).exists()]

    if sys.argv[1] == "--plan":
        alone = header_only_alone(include, [name for name in public if name != "credpool/src.hpp"])
        for name, text in public.items():
            if name in alone:
                print(f"header-only {wanted_by(text)} {name}")
            if name not in with_body or "--bodies-alone" not in sys.argv:
                print(f"compiled {wanted_by(text)} {name}")
        return 0

    if sys.argv[1] == "--forward":  # a type that is only declared has no size
        print("#include <credpool/fwd.hpp>\n#include <credpool/credpool.hpp>")
        print("\n".join(f"static_assert(sizeof(credpool::{name}) > 0);" for name in declared_in(public["credpool/fwd.hpp"])))
        return 0

    tap = Tap()
    for name in with_body:
        tap.check(f"compiler/headers: {name} is what its body includes first, and ends with it", misplaced(include, name))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
