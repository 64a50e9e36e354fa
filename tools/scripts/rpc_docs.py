#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/openrpc.json and the list of methods in docs/rpc.md from what `credpool serve` serves.

Usage: rpc_docs.py PROGRAM [--check]

PROGRAM is a built `credpool`; it runs in a throw-away home. --check writes nothing and fails when a file is stale.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "<!-- What follows is made by `make rpcdocs`. -->\n"


def served(program: str) -> dict:
    """The OpenRPC document of a running server."""
    with tempfile.TemporaryDirectory(prefix="credpool-rpc-docs-") as home:
        world = {"HOME": home, "PATH": os.environ["PATH"], "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
        server = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "--log", "off"], env=world,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            place = pathlib.Path(home) / ".local/state/credpool/gateway.json"
            until = time.monotonic() + 60
            while not place.exists():
                if server.poll() is not None or time.monotonic() > until:
                    sys.exit(f"credpool serve did not start: {server.stderr.read()}")
                time.sleep(0.05)
            done = subprocess.run([program, "rpc", "rpc.discover"], env=world, capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                sys.exit(f"credpool rpc: {done.stderr}")
            return json.loads(done.stdout)
        finally:
            server.terminate()
            server.wait(timeout=30)
            server.stderr.close()


def type_of(schema: dict) -> str:
    """A schema in a few words."""
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kinds = schema.get("type", "anything")
    text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "array" in text and schema.get("items", {}).get("type"):
        items = schema["items"]["type"]
        text = text.replace("array", f"array of {'s or '.join(items) if isinstance(items, list) else items}s")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        text += f" from {low} to {high}"
    return text


def section(method: dict) -> str:
    text = f"### {method['name']}\n\n{method['summary']} Scope: `{method['x-scope']}`.\n"
    if method["params"]:
        text += "\n| parameter | type | |\n| --- | --- | --- |\n"
        for param in method["params"]:
            about = param.get("description", "")
            if param["required"]:
                about = f"Required. {about}".strip()
            text += f"| `{param['name']}` | {type_of(param['schema'])} | {about} |\n".replace(" |  |", " | |")
    members = method["result"]["schema"].get("properties", {})
    if members:
        text += "\nResult: " + ", ".join(f"`{name}` ({type_of(schema)})" for name, schema in members.items()) + ".\n"
    return text


def page(document: dict, there: str) -> str:
    """The page with its list of methods made anew; what stands above the mark is written by hand."""
    by_hand, mark, _ = there.partition(MARK)
    if not mark:
        sys.exit(f"docs/rpc.md has no line {MARK.strip()}")
    groups: dict[str, list[str]] = {}
    for method in document["methods"]:
        prefix = method["name"].partition(".")[0] if "." in method["name"] else "The server"
        groups.setdefault(prefix, []).append(section(method))
    parts = [by_hand + MARK]
    for name, sections in groups.items():
        parts += [f"## {name}\n", *sections]
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    document = served(arguments.program)
    wanted = {ROOT / "docs/openrpc.json": json.dumps(document, indent=2, ensure_ascii=True) + "\n",
              ROOT / "docs/rpc.md": page(document, (ROOT / "docs/rpc.md").read_text(encoding="utf-8"))}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if arguments.check:
            print(f"stale: {path.relative_to(ROOT)}; run `make rpcdocs`", file=sys.stderr)
        else:
            path.write_text(wanted[path], encoding="utf-8")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
