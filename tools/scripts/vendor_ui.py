#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the browser modules that the Control UI carries from their npm packages, or checks them.

Usage: vendor_ui.py          fetch what ui/vendor/manifest.json names, write the files
       vendor_ui.py --check  compare the files that are there with the manifest (no network)

To take a newer version: change `version` in the manifest, empty `sha256`, run it, read the change, commit both.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

VENDOR = pathlib.Path(__file__).resolve().parents[1] / "gateway" / "ui" / "vendor"
MANIFEST = VENDOR / "manifest.json"


def problems(manifest: dict) -> list[str]:
    found = []
    wanted = {MANIFEST.name}
    for module in manifest["modules"]:
        for file in module["files"]:
            wanted.add(file["name"])
            path = VENDOR / file["name"]
            if not path.is_file():
                found.append(f"{file['name']} is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                found.append(f"{file['name']} is not what the manifest says")
    found += [f"{path.name} is not in the manifest" for path in sorted(VENDOR.iterdir()) if path.name not in wanted]
    return found


def fetch(manifest: dict) -> None:
    for module in manifest["modules"]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["npm", "pack", "--silent", f"{module['package']}@{module['version']}"], cwd=folder, check=True)
            archive = next(pathlib.Path(folder).glob("*.tgz"))
            with tarfile.open(archive) as package:
                for file in module["files"]:
                    content = package.extractfile(f"package/{file['from']}").read()
                    digest = hashlib.sha256(content).hexdigest()
                    if file["sha256"] not in ("", digest):
                        raise SystemExit(f"{module['package']} {module['version']}: {file['from']} is not what it was")
                    file["sha256"] = digest
                    (VENDOR / file["name"]).write_bytes(content)
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    if sys.argv[1:] != ["--check"]:
        fetch(manifest)
    found = problems(manifest)
    for problem in found:
        print(f"vendor: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
