#!/bin/bash
# Whether the container is well: `healthcheck serve`. Without an argument the role is what
# the container was started with.
#
# Only serve has an address to ask. That the other roles' process lives is known to whoever
# runs the container; how they are is told by their rows in `workers`.
set -eu

role=${1:-}
if [ -z "$role" ] && tr '\0' '\n' </proc/1/cmdline | grep -qx serve; then
  role=serve
fi
[ "$role" = serve ] || exit 0

# There is no curl in the image; bash opens the connection itself.
exec 3<>"/dev/tcp/127.0.0.1/${GLASSBOX_SERVER__PORT:-8080}"
printf 'GET /health/live HTTP/1.0\r\n\r\n' >&3
read -r -t 4 answer <&3
[[ $answer == *' 200 '* ]]
