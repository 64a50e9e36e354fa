#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles as a file of its own, included twice, header-only and compiled flavour.

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

OPT_IN = re.compile(r"^// Opt-in: ", re.MULTILINE)
PACKAGES = ["nlohmann_json", "libcrypto", "tomlplusplus", "yaml-0.1"]
OPT_IN_PACKAGES = ["sqlite3", "libsodium", "openssl", "cpp-httplib", "libpq"]
# They have no pkg-config file in every distribution: Asio is headers alone, llhttp may be sources.
ENGINE_FLAGS = ["-DASIO_STANDALONE", "-DASIO_NO_DEPRECATED", "-isystem", "/usr/share/include/llhttp"]
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

    jobs = []  # (name, text, command)
    for path in sorted((include / "credpool").rglob("*.hpp")):
        relative = path.relative_to(include).as_posix()
        if relative.startswith("credpool/impl/"):
            continue
        opt_in = OPT_IN.search(path.read_text(encoding="utf-8")) is not None
        text = f"#include <{relative}>\n" * 2
        base = [*compiler, *(opt_in_flags if opt_in else flags)]
        if relative != "credpool/src.hpp":
            jobs.append((f"{relative}, header-only", text, base))
        jobs.append((f"{relative}, compiled", text, [*base, "-DCREDPOOL_COMPILED"]))
    forward = (include / "credpool/fwd.hpp").read_text(encoding="utf-8")
    complete = "".join(f"static_assert(sizeof(credpool::{name}) > 0);\n" for name in declared_in(forward))
    jobs.append(("what fwd.hpp declares exists", "#include <credpool/fwd.hpp>\n#include <credpool/credpool.hpp>\n" + complete,
                 [*compiler, *flags, "-DCREDPOOL_COMPILED"]))

    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda job: compile_text(*job, stamps), jobs)
        for (name, _, _), problems in zip(jobs, results):
            tap.check(f"gates/headers: {name}", problems)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
