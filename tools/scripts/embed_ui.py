#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the files of the Control UI as one C++ source: bytes, bytes by gzip, type and ETag of each.

Usage: embed_ui.py FOLDER OUTPUT

The same files give the same output. Files without a known type (README.md, package manifests of vendored modules) are
left out, hidden ones too.
"""
import argparse
import gzip
import hashlib
import pathlib

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
WORTH_COMPRESSING = 512  # bytes


def literal(data: bytes) -> str:
    """A C++ string literal of any bytes; octal escapes of three digits never run into what follows."""
    lines = []
    for start in range(0, len(data), 64):
        text = "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}" for byte in data[start : start + 64]
        )
        lines.append(f'"{text}"')
    return "\n    ".join(lines) or '""'


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    entries = []
    # By the whole name, as the program searches.
    for path in sorted(arguments.folder.rglob("*"), key=lambda path: path.relative_to(arguments.folder).as_posix()):
        name = path.relative_to(arguments.folder).as_posix()
        if not path.is_file() or path.suffix not in TYPES or any(part.startswith(".") for part in name.split("/")):
            continue
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0) if len(data) >= WORTH_COMPRESSING else b""
        if len(packed) * 10 > len(data) * 9:
            packed = b""
        digest = hashlib.sha256(data).hexdigest()[:20]
        entries.append(
            f'  {{"{name}", "{TYPES[path.suffix]}", "{digest}",\n'
            f"   std::string_view{{{literal(data)}, {len(data)}}},\n"
            f"   std::string_view{{{literal(packed)}, {len(packed)}}}}},\n"
        )
    arguments.output.write_text(
        "// Made by embed_ui.py.\n"
        '#include "assets.hpp"\n\n'
        "#if defined(__clang__)\n#pragma clang diagnostic ignored \"-Woverlength-strings\"\n#endif\n\n"
        "namespace credpool_cli {\n\nnamespace {\n\nconst EmbeddedFile files[] = {\n"
        + "".join(entries)
        + "  {}};\n\n}  // namespace\n\n"
        "const EmbeddedFile* embedded_files() noexcept {\n  return files;\n}\n\n"
        f"std::size_t embedded_count() noexcept {{\n  return {len(entries)};\n}}\n\n"
        "}  // namespace credpool_cli\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
