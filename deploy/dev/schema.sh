#!/usr/bin/env bash
# Writes src/platform/db/schema.rs from a database that the migrations have made:
#
#   deploy/dev/schema.sh <database-url>           writes the file
#   deploy/dev/schema.sh --check <database-url>   prints the difference, fails on any
#
# The diesel CLI is built once into .tools, about two minutes. Its libpq is the one
# beside our own Postgres if that is there (see setup-postgres.sh), or the system's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/.tools
schema=$root/src/platform/db/schema.rs
version=2.3.14

fail() {
  printf 'schema: %s\n' "$1" >&2
  exit 1
}

install_cli() {
  local log=$tools/diesel_cli.log
  local environment=()
  if [[ -e $tools/postgres/lib/libpq.so ]]; then
    # The run path makes the program find that libpq from .tools/bin.
    # shellcheck disable=SC2016 # $ORIGIN is for the linker, not the shell.
    environment=(PQ_LIB_DIR="$tools/postgres/lib" RUSTFLAGS='-C link-arg=-Wl,-rpath,$ORIGIN/../postgres/lib')
  fi
  printf 'Building the diesel CLI %s, about two minutes…\n' "$version" >&2
  mkdir -p "$tools"
  # From the root folder, so that no setting of this repository applies.
  if ! (cd / && env "${environment[@]}" cargo install diesel_cli --version "$version" \
    --no-default-features --features postgres --locked --root "$tools" >"$log" 2>&1); then
    grep -q 'pq' "$log" && ! [[ -e $tools/postgres/lib/libpq.so ]] &&
      fail "the diesel CLI needs libpq; run \`deploy/dev/setup-postgres.sh --force\`, or install libpq (Debian, Ubuntu: apt-get install libpq-dev)."
    fail "the diesel CLI could not be built; see $log."
  fi
}

# Prints the schema of the database $1 as this repository keeps it. The file is
# formatted as a part of the repository, since rustfmt is part of its check.
print_schema() {
  # shellcheck disable=SC2016 # the backticks are Markdown's
  printf '//! The tables as the migrations make them. Generated; see `deploy/dev/schema.sh`.\n\n'
  "$tools/bin/diesel" print-schema --database-url "$1" --config-file "$root/diesel.toml"
}

check=
if [[ ${1:-} == --check ]]; then
  check=yes
  shift
fi
[[ $# -eq 1 ]] || fail 'usage: deploy/dev/schema.sh [--check] <database-url>'

[[ $("$tools/bin/diesel" --version 2>/dev/null || true) == *"$version"* ]] || install_cli
new=$(mktemp)
trap 'rm -f "$new"' EXIT
print_schema "$1" >"$new" || fail 'the schema could not be read; the message above says why.'
grep -q 'diesel::table!' "$new" || fail 'the database has no tables; run the migrations on it first.'
rustfmt --edition 2024 --config-path "$root" "$new"

if [[ -n $check ]]; then
  diff -u --label src/platform/db/schema.rs --label 'the database' "$schema" "$new" ||
    fail 'src/platform/db/schema.rs is not what the migrations make; run deploy/dev/schema.sh with the same address and commit the file.'
  printf 'src/platform/db/schema.rs is what the migrations make.\n'
else
  cat "$new" >"$schema"
  printf 'Wrote src/platform/db/schema.rs.\n'
fi
