#!/bin/sh
# Installs the Debian packages that are missing: `setup.sh run` for building and running,
# `setup.sh test` for the tests and gates too. With everything there it does nothing, as any user.
set -eu

# package:command  a package whose command is on PATH, from wherever, counts as there
run_packages='
  g++:g++ meson:meson ninja-build:ninja pkg-config:pkg-config cmake:cmake python3:python3
  nlohmann-json3-dev libssl-dev libtomlplusplus-dev libyaml-dev
  libsqlite3-dev libsodium-dev libcpp-httplib-dev libcli11-dev libqrcodegencpp-dev libpq-dev
  libcrypt-dev node-llhttp'
test_packages='
  clang-14:clang++-14 libclang-rt-14-dev clang-format-14:clang-format-14 clang-tidy-14:clang-tidy-14
  doctest-dev libbenchmark-dev postgresql nodejs:node npm:npm openssl:openssl e2fsprogs:mkfs.ext4 mount:mount
  strace:strace time:time fish:fish zsh:zsh man-db:man groff-base:groff
  chromium-headless-shell:chromium-headless-shell fonts-dejavu-core
  tzdata nginx-light:nginx haproxy:haproxy slowhttptest:slowhttptest wrk:wrk util-linux:taskset'
# Only a help: installed along with the others, never missed.
helpful_packages='ccache'

case "${1:-}" in
  run) wanted=$run_packages ;;
  test) wanted="$run_packages $test_packages" ;;
  *) echo "usage: setup.sh run|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "setup: not a Debian machine, nothing is installed; see CONTRIBUTING.md for what is needed" >&2
  exit 0
fi

missing=
for entry in $wanted; do
  package=${entry%%:*}
  program=${entry#"$package"}
  program=${program#:}
  [ -n "$program" ] && command -v "$program" >/dev/null 2>&1 && continue
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root='sudo -n'
else
  echo "setup: these packages are missing, and only root can install them:$missing" >&2
  echo "       run:  sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

echo "setup: installing$missing"
# The servers among them are for tests, which start their own: none is started by its installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086  # lists of words
$as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends $missing $helpful_packages
