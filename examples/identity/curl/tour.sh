#!/usr/bin/env bash
# Tokens, grants, API keys and a kick, by hand. Prints what it hears.
set -euo pipefail
URL=http://127.0.0.1:4020
HEARD=$(mktemp)
trap 'rm "$HEARD"; kill $(jobs -p) 2>/dev/null || true' EXIT
curl -s --retry 30 --retry-connrefused --retry-delay 1 "$URL/health" >"$HEARD"

api() { # method, body, key
  curl -s "$URL/api/$1" -H "Authorization: Bearer $3" -H 'Content-Type: application/json' -d "$2"
  echo
}
open() { # an open frame; each frame that comes is printed
  curl -sN "$URL/comet" -H 'Accept: text/event-stream' -H 'Content-Type: application/json' -d "$1" |
    sed -un 's/^data: //; /^{/p'
}
heard() { # waits until something was heard
  for _ in $(seq 100); do
    grep -q "$1" "$HEARD" && return
    sleep 0.1
  done
  echo "not heard: $1, but:" >&2
  cat "$HEARD" >&2
  return 1
}

KEY=$(head -n1 .dobby/api-key)
# A login that was kicked never returns: each tour has its own.
LOGIN=laptop-$(date +%s)
TOKEN=$(npx dobby token --user ann --login "$LOGIN" --grant 'room/{name}')
OPEN='{"type": "open", "protocol": 1, "token": "'$TOKEN'", "paths": [{"path": "room/7"}, {"path": "ledger"}]}'

echo '# Ann opens: room/7 is in her token, nobody has granted the ledger.'
open "$OPEN" >"$HEARD" &
heard '"pending"'

echo '# The key of a file may push to rooms, and nothing else.'
api update '{"path": "room/7", "message": "Hello!"}' only-for-rooms-1815
api update '{"path": "ledger", "message": 12}' only-for-rooms-1815
heard 'Hello!'

echo '# Her laptop is sent away.'
api kick '{"login": "'$LOGIN'"}' "$KEY"
wait
cat "$HEARD"

echo '# Its token is good for nothing now.'
open "$OPEN"
