#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs the build into an empty place, then uses what was installed as four kinds of users do.

  header-only and compiled by pkg-config; the single header; a Meson subproject

Usage: run.py ROOT BUILD_DIR COMPILER...
The build directory must be configured with -Dcompiled=true -Dpkgconfig.relocatable=true.
"""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "gates"))
from tree import Tap  # noqa: E402  (found by the line above)


class Failed(Exception):
    """A step did not work; the text says which, and what it printed."""


def step(command: list, **options) -> str:
    ran = subprocess.run([str(part) for part in command], check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, **options)
    if ran.returncode != 0:
        tail = "\n".join(ran.stdout.splitlines()[-25:])
        raise Failed(f"{' '.join(map(str, command))}\nexit code {ran.returncode}\n{tail}")
    return ran.stdout


class Consumer:
    """Builds the one program of the users and looks at what it prints."""

    def __init__(self, compiler: list[str], scratch: pathlib.Path) -> None:
        self.compiler, self.scratch = compiler, scratch
        home = scratch / "home"
        (home / ".kimi/credentials").mkdir(parents=True, mode=0o700)
        login = home / ".kimi/credentials/kimi-code.json"
        login.write_text('{"access_token": "at-fake", "refresh_token": "rt-fake", "expires_at": 4102444800}')
        login.chmod(0o600)
        for folder in (home, home / ".kimi", home / ".kimi/credentials"):
            folder.chmod(0o700)
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"]}

    def expect_login(self, program: pathlib.Path) -> None:
        printed = step([program], env=self.environment)
        if "1 login(s) of kimi-cli\nkimi-code:default sha256:" not in printed:
            raise Failed(f"{program.name} printed:\n{printed}")

    def build_and_run(self, name: str, source: pathlib.Path, flags: list[str], libraries: list[str]) -> None:
        program, compiled = self.scratch / name, self.scratch / f"{name}.o"
        # By itself, so that ccache knows it again.
        step([*self.compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-c", source, "-o", compiled, *flags])
        step([*self.compiler, compiled, "-o", program, *libraries])
        self.expect_login(program)


def pkg_config(prefix: pathlib.Path, *arguments: str) -> list[str]:
    (folder,) = prefix.rglob("pkgconfig")
    return step(["pkg-config", *arguments], env={**os.environ, "PKG_CONFIG_PATH": str(folder)}).split()


def main() -> int:
    root, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    tap = Tap()

    def check(name: str, steps) -> None:
        try:
            steps()
            tap.check(f"install/{name}", [])
        except Failed as failure:
            tap.check(f"install/{name}", [str(failure)])

    # The same place each time, again for ccache.
    scratch = build / "tests/install/scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        staged = scratch / "staged"
        consumer = Consumer(compiler, scratch)
        source = root / "examples/subproject/logins.cpp"

        def installs() -> None:
            step(["meson", "install", "-C", build, "--no-rebuild", "--destdir", staged])
            names = {path.relative_to(root / "include") for path in (root / "include/credpool").rglob("*.?pp")}
            (include,) = [path for path in staged.rglob("include") if (path / "credpool").is_dir()]
            missing = [str(name) for name in sorted(names) if not (include / name).is_file()]
            if missing:
                raise Failed("not installed: " + ", ".join(missing))
            if not list(staged.rglob("licenses/credpool/LICENSE")):
                raise Failed("the licence is not installed")

        def single_header() -> None:
            (header,) = staged.rglob("single_include/credpool/credpool.hpp")
            packages = ("libcrypto", "yaml-0.1")
            consumer.build_and_run("single-header", source, [f"-I{header.parents[1]}", *pkg_config(staged, "--cflags", *packages)],
                                   [*pkg_config(staged, "--libs", *packages), "-pthread"])

        def subproject() -> None:
            project = scratch / "takes-credpool"
            (project / "subprojects").mkdir(parents=True)
            for name in ("meson.build", "logins.cpp"):
                (project / name).write_bytes((root / "examples/subproject" / name).read_bytes())
            (project / "subprojects/credpool").symlink_to(root, target_is_directory=True)
            environment = {**os.environ, "CXX": " ".join(compiler)}
            step(["meson", "setup", project / "build", project, "--buildtype=plain"], env=environment)
            step(["ninja", "-C", project / "build", "-j", "2"], env=environment)
            consumer.expect_login(project / "build/logins")

        check("everything is installed", installs)
        check("header-only by pkg-config", lambda: consumer.build_and_run(
            "header-only", source, pkg_config(staged, "--cflags", "credpool"), pkg_config(staged, "--libs", "credpool")))
        check("compiled by pkg-config", lambda: consumer.build_and_run(
            "compiled", source, pkg_config(staged, "--cflags", "credpool-compiled"),
            pkg_config(staged, "--static", "--libs", "credpool-compiled")))
        check("the single header", single_header)
        check("as a Meson subproject", subproject)
    finally:
        shutil.rmtree(scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
