#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one unittest file and reports in TAP, so that every case is counted.

Usage: run_tap.py FILE
"""
import importlib.util
import pathlib
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    count = 0

    def line(self, good: bool, test: unittest.TestCase, text: str = "") -> None:
        self.count += 1
        for row in text.splitlines():
            print("#", row)
        name = (test.shortDescription() or test.id()).replace("#", " ")
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)

    def addSuccess(self, test):
        self.line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(False, test, "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.line(False, test, "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        # Counted and named by the test runner: nothing is skipped in silence.
        super().addSkip(test, reason)
        self.count += 1
        print(f"ok {self.count} - {test.id().replace('#', ' ')} # SKIP {reason}", flush=True)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            super().addSubTest(test, subtest, err)
            print("#", subtest)
            for row in "".join(traceback.format_exception(*err)).splitlines():
                print("#", row)
            self.count += 1
            print(f"not ok {self.count} - {subtest.id().replace('#', ' ')}", flush=True)


def main() -> int:
    path = pathlib.Path(sys.argv[1])
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    print(f"1..{result.count}")
    return 0 if result.wasSuccessful() and result.count > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
