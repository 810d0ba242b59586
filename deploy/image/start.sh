#!/bin/sh
# Starts glassbox in the image. Where the database and the Redis are given in parts, as
# ECS gives them (a host here, a password from Secrets Manager there), it makes the
# addresses of them that the program reads. Their secrets change without us, so no address
# with one in it is kept anywhere.
#
#   DATABASE_HOST, DATABASE_NAME, DATABASE_APP_USER, DATABASE_APP_PASSWORD,
#   DATABASE_OWNER_USER, DATABASE_OWNER_PASSWORD, REDIS_HOST, REDIS_TOKEN
set -eu

# Every byte as %XX: a password may have what means something in an address.
encode() {
  printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}

address() {
  printf 'postgres://%s:%s@%s:5432/%s' "$(encode "$1")" "$(encode "$2")" "$DATABASE_HOST" "$DATABASE_NAME"
}

if [ -n "${DATABASE_HOST:-}" ]; then
  GLASSBOX_DATABASE__URL=$(address "$DATABASE_APP_USER" "$DATABASE_APP_PASSWORD")
  export GLASSBOX_DATABASE__URL
  if [ -n "${DATABASE_OWNER_USER:-}" ]; then
    GLASSBOX_DATABASE__OWNER_URL=$(address "$DATABASE_OWNER_USER" "$DATABASE_OWNER_PASSWORD")
    export GLASSBOX_DATABASE__OWNER_URL
  fi
fi
if [ -n "${REDIS_HOST:-}" ]; then
  GLASSBOX_BUS__REDIS_URL="rediss://:$(encode "$REDIS_TOKEN")@$REDIS_HOST:6379"
  export GLASSBOX_BUS__REDIS_URL
fi
# Workers ask ECS, where it runs them, to spare their task while they work.
if [ -n "${ECS_AGENT_URI:-}" ]; then
  GLASSBOX_AGENT__PROTECTION_URL="$ECS_AGENT_URI/task-protection/v1/state"
  export GLASSBOX_AGENT__PROTECTION_URL
fi
unset DATABASE_APP_PASSWORD DATABASE_OWNER_PASSWORD REDIS_TOKEN
exec glassbox "$@"
