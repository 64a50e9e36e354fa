# SPDX-License-Identifier: MIT
"""docs/openrpc.json and docs/rpc.md say what the server serves, and the document is valid OpenRPC."""
import json
import pathlib
import subprocess
import sys
import unittest

from demo_world import PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Fresh(unittest.TestCase):
    def test_both_files_are_what_the_server_says(self):
        done = subprocess.run([sys.executable, ROOT / "tools/scripts/rpc_docs.py", PROGRAM, "--check"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_document_is_openrpc_1_3(self):
        """What the specification asks of the document, its methods and their content descriptors."""
        document = json.loads((ROOT / "docs/openrpc.json").read_text())
        self.assertRegex(document["openrpc"], r"^1\.3\.\d+$")
        self.assertTrue(document["info"]["title"] and document["info"]["version"])
        names = [method["name"] for method in document["methods"]]
        self.assertEqual(len(names), len(set(names)))
        allowed = {"name", "tags", "summary", "description", "externalDocs", "params", "result", "deprecated", "servers",
                   "errors", "links", "paramStructure", "examples"}
        for method in document["methods"]:
            self.assertLessEqual({key for key in method if not key.startswith("x-")}, allowed, method["name"])
            self.assertEqual(method["paramStructure"], "by-name")
            params = [param["name"] for param in method["params"]]
            self.assertEqual(len(params), len(set(params)), method["name"])
            for descriptor in [*method["params"], method["result"]]:
                self.assertLessEqual(set(descriptor), {"name", "summary", "description", "required", "schema", "deprecated"})
                self.assertIsInstance(descriptor["schema"], (dict, bool))
                self.check_schema(descriptor["schema"])

    def check_schema(self, schema):
        if isinstance(schema, bool):
            return
        kinds = schema.get("type", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            self.assertIn(kind, ("array", "boolean", "integer", "null", "number", "object", "string"))
        for part in schema.get("properties", {}).values():
            self.check_schema(part)
        for keyword in ("items", "additionalProperties"):
            if keyword in schema:
                self.check_schema(schema[keyword])


if __name__ == "__main__":
    unittest.main()
