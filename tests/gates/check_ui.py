#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the Control UI's sources that no browser test can see.

- nothing makes markup of a text (innerHTML and its kin), no inline script, style or handler in index.html
- no address of another host is loaded
- every import names a file that is there; what the first page imports is preloaded, so that it comes in one round
- the vendored modules are those of the manifest
"""
import pathlib
import re
import subprocess
import sys

UI = pathlib.Path(__file__).resolve().parents[2] / "tools/gateway/ui"
FORBIDDEN = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe|eval|new Function|srcdoc)\b"
    r"|setAttribute\('style'")
IMPORT = re.compile(r"^\s*(?:import|export)\b[^;'\"]*?\bfrom\s*'([^']+)'|^import\s*'([^']+)'", re.MULTILINE)
LAZY = re.compile(r"\bimport\('([^']+)'\)")
FIRST = ["app.js", "pages/discovery.js"]


def imports(path: pathlib.Path, pattern: re.Pattern) -> list[pathlib.Path]:
    names = [next(filter(None, found)) if isinstance(found, tuple) else found for found in pattern.findall(path.read_text(encoding="utf-8"))]
    return [(path.parent / name).resolve() for name in names]


def main() -> int:
    problems = []
    modules = [path for path in sorted(UI.rglob("*.js")) if "vendor" not in path.parts]
    for path in modules:
        name = path.relative_to(UI).as_posix()
        text = path.read_text(encoding="utf-8")
        problems += [f"{name}: {found.group(0)}" for found in FORBIDDEN.finditer(text)]
        problems += [f"{name}: import of {wanted.name}, which is not there"
                     for wanted in imports(path, IMPORT) + imports(path, LAZY) if not wanted.is_file()]

    needed, queue = set(), [UI / name for name in FIRST]
    while queue:
        path = queue.pop()
        if path not in needed and path.is_file():
            needed.add(path)
            queue += imports(path, IMPORT)
    index = (UI / "index.html").read_text(encoding="utf-8")
    there = set(re.findall(r'<link rel="modulepreload" href="([^"]+)"', index)) | {"app.js"}
    wanted = {path.relative_to(UI).as_posix() for path in needed}
    problems += [f"index.html does not preload {name}" for name in sorted(wanted - there)]
    problems += [f"index.html preloads {name}, which the first page does not need" for name in sorted(there - wanted)]
    if re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", index):
        problems.append("index.html has inline script or style")
    if re.search(r"""(src|href)=["']?(https?:)?//""", index):
        problems.append("index.html loads from another host")

    problems += subprocess.run([sys.executable, UI.parents[1] / "scripts/vendor_ui.py", "--check"],
                               capture_output=True, text=True, check=False).stderr.splitlines()
    for problem in problems:
        print(problem)
    return 1 if problems or not modules else 0


if __name__ == "__main__":
    sys.exit(main())
