#!/bin/sh
# Puts the tests' npm packages, in the pinned versions, into a directory of its own: `install.sh DIR [FROM]`,
# FROM being the folder whose package.json and package-lock.json name them (this one unless said
# otherwise). When they are there already nothing is fetched. The last line printed is the directory; exit
# code 77 (a test's "skipped") when Node.js or npm is not there.
set -eu
here=$(cd "${2:-$(dirname "$0")}" && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
for program in node npm; do
  command -v "$program" >/dev/null 2>&1 || { echo "install.sh: no $program here" >&2; exit 77; }
done

mark=$target/.installed
wanted=$(cksum <"$here/package-lock.json")
if [ ! -f "$mark" ] || [ "$(cat "$mark")" != "$wanted" ]; then
  # Two test runs may start at once.
  exec 9>"$target/.lock"
  flock 9
  if [ ! -f "$mark" ] || [ "$(cat "$mark")" != "$wanted" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$target/"
    (cd "$target" && npm ci --ignore-scripts --no-audit --no-fund --prefer-offline >npm.log 2>&1) ||
      { cat "$target/npm.log" >&2; exit 1; }
    printf '%s\n' "$wanted" >"$mark"
  fi
fi
echo "$target"
