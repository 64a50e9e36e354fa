#!/bin/sh
# SPDX-License-Identifier: MIT
# Credits and a key with a limit from a script. --mock is a server that is made up in the process;
# leave it out, and log in once (auth login --email E --password-stdin), for a real one.
set -eu
token() { openclaw-token --mock "$@"; }
member() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"; }

echo "before: $(token --json credits balance | member remaining)"
token credits buy --amount 25 --yes >/dev/null
echo "after:  $(token --json credits balance | member remaining)"

made=$(token --json keys create --name nightly --limit 10 --limit-reset daily)
key=$(echo "$made" | member key) # shown once: keep it where it is needed
hash=$(echo "$made" | member hash)
echo "a key of ${#key} characters"

token keys export --format csv | cut -d, -f2-4
token --json keys update "$hash" --limit none | member credit_limit
token --json keys revoke "$hash" --yes | member revoked

# A failure is an exit code of 1 and a sentence.
if ! token --json keys info "$hash" >answer.json; then
  sed -n 's/^ *"message": //p' answer.json
fi
