#!/bin/sh
# Rewrites every C++ file in the project's format; with --check only says which would change.
set -eu
cd "$(dirname "$0")/../.."
files=$(find include tests tools examples -name 'node_modules' -prune -o \
  \( -name '*.hpp' -o -name '*.ipp' -o -name '*.cpp' \) -print | sort)
if [ "${1:-}" = --check ]; then
  # shellcheck disable=SC2086  # a list of words: no name holds a space
  exec clang-format-14 --dry-run --Werror --ferror-limit=1 $files
fi
# shellcheck disable=SC2086
exec clang-format-14 -i $files
