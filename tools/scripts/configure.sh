#!/bin/sh
# Configures a build directory once; ninja keeps it up to date from then on.
# usage: configure.sh COMPILER DIRECTORY [MESON-OPTION...]
set -eu
cd "$(dirname "$0")/../.."
compiler=$1
directory=$2
shift 2
# A directory whose first configuration failed holds no build.ninja: begin it anew.
[ -f "$directory/build.ninja" ] && exit 0
rm -rf "$directory"
command -v ccache >/dev/null 2>&1 && compiler="ccache $compiler"
CXX="$compiler" meson setup "$directory" "$@"
