#!/bin/sh
# `make test`: installs what the tests need, builds everything, runs every test.
# The last line is "N passed, N failed".
set -u
# One cache of compiled files for every clone and build directory.
export CCACHE_NOHASHDIR=1
cd "$(dirname "$0")/../.."
failed() {
  echo "0 passed, 1 failed"
  exit 1
}
export CCACHE_BASEDIR="$PWD"
tools/scripts/setup.sh test || failed
# The OAuth server that the tests refresh against.
tests/peers/install.sh build-peers >/dev/null || failed
tools/scripts/configure.sh g++ build-test --buildtype=debug -Ddebug=false -Dwerror=true -Dtests=true -Dtools=enabled \
  -Dtests_together=8 -Dbodies_together=8 -Dexamples=true -Dcompiled=true -Dpkgconfig.relocatable=true || failed
exec python3 tools/scripts/run_tests.py build-test "$@"
