#!/usr/bin/env bash
# Asks the API at $1 what everybody may ask, and fails unless all of it is as it should be:
# every backend answers, what needs a token is refused, and so is a token for development.
set -euo pipefail

base=${1%/}

# is <status> <method> <path> [what else curl is told]
is() {
  local status
  status=$(curl --silent --output /dev/null --max-time 20 --retry 5 --retry-all-errors \
    --retry-delay 5 --write-out '%{http_code}' --request "$2" "${@:4}" "$base$3") || true
  printf '%s %s %s\n' "$status" "$2" "$3"
  [[ $status == "$1" ]] || { printf 'It should be %s.\n' "$1" >&2; exit 1; }
}

is 200 GET /health/live
is 200 GET /health/ready
is 200 GET /health
is 200 GET /openapi.json
is 401 GET /api/v1/orgs
is 404 POST /api/v1/auth/dev-token --json '{"userId":"smoke","email":"smoke@example.com"}'
