#!/bin/sh
# Configures a build directory once; ninja keeps it up to date from then on.
# usage: configure.sh COMPILER DIRECTORY [MESON-OPTION...]
set -eu
cd "$(dirname "$0")/../.."
compiler=$1
directory=$2
shift 2
# What Meson says fills pages; it is shown when it failed, and stands in meson-logs/.
quietly() {
  said=$(mktemp)
  "$@" >"$said" 2>&1 || {
    cat "$said" >&2
    rm -f "$said"
    exit 1
  }
  rm -f "$said"
}
# Meson globs at configure time only: a file that came or went since then asks for it again.
files=$(find include tools tests examples -type f | LC_ALL=C sort | cksum)
# A directory whose first configuration failed holds no build.ninja: begin it anew.
if [ -f "$directory/build.ninja" ]; then
  [ "$files" = "$(cat "$directory/files.cksum" 2>/dev/null)" ] || quietly meson setup --reconfigure "$directory"
  echo "$files" >"$directory/files.cksum"
  exit 0
fi
rm -rf "$directory"
command -v ccache >/dev/null 2>&1 && compiler="ccache $compiler"
echo "configuring $directory"
CXX="$compiler"
export CXX
quietly meson setup "$directory" "$@"
echo "$files" >"$directory/files.cksum"
