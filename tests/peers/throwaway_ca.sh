#!/bin/sh
# A certificate authority for one test run: `throwaway_ca.sh DIR` writes ca.pem, leaf.pem and leaf.key.
# The leaf is good for the loopback names and for the vendors' hosts that a test reaches through a
# proxy; nobody but the test that made it trusts the authority.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
[ -s leaf.pem ] && exit 0

names=DNS:localhost,IP:127.0.0.1,IP:::1
for host in auth.kimi.com auth.kimi.ai auth.openai.com chat.qwen.ai platform.claude.com console.anthropic.com \
  oauth2.googleapis.com; do
  names="$names,DNS:$host"
done
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086  # a list of options
openssl req -x509 $key -keyout ca.key -out ca.pem -days 30 -subj '/CN=credpool throw-away CA' \
  -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' 2>openssl.log
# shellcheck disable=SC2086
openssl req $key -keyout leaf.key -out leaf.csr -subj '/CN=localhost' 2>>openssl.log
printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$names" >leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile leaf.ext \
  -out leaf.pem 2>>openssl.log
