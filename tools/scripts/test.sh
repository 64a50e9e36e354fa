#!/bin/sh
# `make test`: installs what the tests need, builds everything, runs every test.
# The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/../.."
failed() {
  echo "0 passed, 1 failed"
  exit 1
}
tools/scripts/setup.sh test || failed
. tools/scripts/ccache.sh
tools/scripts/configure.sh g++ build-test --buildtype=debug -Dtests=true -Dtools=enabled \
  -Dexamples=true -Dwerror=true || failed
exec python3 tools/scripts/run_tests.py build-test "$@"
