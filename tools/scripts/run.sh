#!/bin/sh
# `make run`: what is on this machine, or, where no CLI has a login, what it would look like.
set -u
cd "$(dirname "$0")/../.."
tools/scripts/setup.sh run || exit 1
make --no-print-directory build || exit 1

credpool=build/tools/credpool/credpool
$credpool scan
status=$?
# 1 = nothing usable found; anything else above is a failure to show as it is.
[ $status -eq 1 ] || exit $status
echo
echo "No login that can be used was found on this machine; here is the demo world instead."
echo "Log in with a CLI (codex, kimi, gemini, ...) and run again to see your own."
echo
exec $credpool demo
