#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles as a file of its own, included twice, header-only and compiled flavour.

Compiled flavour: a header with a body is the first thing that its body includes, and the build compiles
each body by itself (`bodies_together` of 1); every other header is compiled here. Header-only is that plus
the bodies: header and body thus name what they need. What can still go wrong is the order in which a
header meets itself again before it is complete, and that needs a circle of includes with another public
header in it (its own body, and what that is made of, come last). So header-only the headers in such a circle
are compiled by themselves, the others as parts of those that include them.

What has not changed since it last compiled is not compiled again.

Usage: check_headers.py ROOT STAMP_DIR COMPILER...
"""
import concurrent.futures
import hashlib
import pathlib
import re
import subprocess
import sys

from tree import Tap

INCLUDE = re.compile(r"^\s*#\s*include <(credpool/[^>]+)>", re.MULTILINE)
OPT_IN = re.compile(r"^// Opt-in: ", re.MULTILINE)
BODIES = re.compile(r"^#if !defined\(CREDPOOL_COMPILED\)\n(?:#include <credpool/impl/[\w/]+\.ipp>\n)+#endif\n\Z", re.MULTILINE)
PACKAGES = ["nlohmann_json", "libcrypto", "tomlplusplus", "yaml-0.1"]
OPT_IN_PACKAGES = ["sqlite3", "libsodium", "openssl", "cpp-httplib", "libpq"]
# It has no pkg-config file in every distribution: llhttp may be sources.
ENGINE_FLAGS = ["-isystem", "/usr/share/include/llhttp"]
WARNINGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def flags_of(packages: list[str]) -> list[str]:
    return subprocess.run(["pkg-config", "--cflags", *packages], check=True, capture_output=True, text=True).stdout.split()


def is_fresh(stamp: pathlib.Path, dependencies: pathlib.Path) -> bool:
    if not stamp.exists() or not dependencies.exists():
        return False
    made = stamp.stat().st_mtime_ns
    names = dependencies.read_text(encoding="utf-8").replace("\\\n", " ").split(":", 1)[1].split()
    return all(pathlib.Path(name).exists() and pathlib.Path(name).stat().st_mtime_ns < made for name in names)


def compile_text(name: str, text: str, command: list[str], stamps: pathlib.Path) -> list[str]:
    """Compiles the text; returns the compiler's complaint, if any."""
    key = re.sub(r"\W+", "-", name) + "-" + hashlib.sha256(repr((text, command)).encode()).hexdigest()[:16]
    stamp, dependencies, source = stamps / key, stamps / (key + ".d"), stamps / (key + ".cpp")
    if is_fresh(stamp, dependencies):
        return []
    source.write_text(text, encoding="utf-8")
    ran = subprocess.run([*command, "-MMD", "-MF", str(dependencies), str(source)],
                         check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        return [f"{name}: {line}" for line in ran.stderr.splitlines()[:20]] or [f"{name}: exit code {ran.returncode}"]
    stamp.touch()
    return []


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


def main() -> int:
    root, stamps = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    # ccache has no use for a compilation without an output.
    compiler = [part for part in sys.argv[3:] if not part.endswith("ccache")]
    stamps.mkdir(parents=True, exist_ok=True)
    include = root / "include"
    flags = [*WARNINGS, f"-I{include}", *flags_of(PACKAGES)]
    opt_in_flags = [*WARNINGS, f"-I{include}", *flags_of(PACKAGES + OPT_IN_PACKAGES), *ENGINE_FLAGS]

    paths = {path.relative_to(include).as_posix(): path for path in sorted((include / "credpool").rglob("*.hpp"))}
    public = {name: path for name, path in paths.items() if not name.startswith("credpool/impl/")}
    alone = header_only_alone(include, [name for name in public if name != "credpool/src.hpp"])
    jobs = []  # (name, text, command)
    bodies = {}  # name -> complaints
    for relative, path in public.items():
        opt_in = OPT_IN.search(path.read_text(encoding="utf-8")) is not None
        text = f"#include <{relative}>\n" * 2
        base = [*compiler, *(opt_in_flags if opt_in else flags)]
        if relative in alone:
            jobs.append((f"{relative}, header-only", text, base))
        if (include / body_of(relative)).exists():
            bodies[relative] = misplaced(include, relative)
        else:
            jobs.append((f"{relative}, compiled", text, [*base, "-DCREDPOOL_COMPILED"]))
    forward = (include / "credpool/fwd.hpp").read_text(encoding="utf-8")
    complete = "".join(f"static_assert(sizeof(credpool::{name}) > 0);\n" for name in declared_in(forward))
    jobs.append(("what fwd.hpp declares exists", "#include <credpool/fwd.hpp>\n#include <credpool/credpool.hpp>\n" + complete,
                 [*compiler, *flags, "-DCREDPOOL_COMPILED"]))

    tap = Tap()
    for name, problems in bodies.items():
        tap.check(f"gates/headers: {name} is what its body includes first, and ends with it", problems)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda job: compile_text(*job, stamps), jobs)
        for (name, _, _), problems in zip(jobs, results):
            tap.check(f"gates/headers: {name}", problems)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
