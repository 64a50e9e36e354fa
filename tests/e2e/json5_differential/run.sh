#!/bin/sh
# Compares our JSON5 reader with the reference implementation; installs that one on first use.
# Usage: run.sh PROGRAM WORK_DIRECTORY
set -eu
here=$(dirname "$0")
program=$1
work=$2
if [ ! -d "$work/node_modules/json5" ]; then
  mkdir -p "$work"
  cp "$here/package.json" "$work/"
  (cd "$work" && npm install --package-lock=false --ignore-scripts --no-audit --no-fund --silent)
fi
exec node "$here/compare.mjs" "$program" "$(realpath "$work")/node_modules/json5"
