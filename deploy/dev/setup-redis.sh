#!/usr/bin/env bash
# Puts a redis-server into .tools/redis, for the tests. Needs no rights beyond this
# folder, and starts no service; `make dev` does without it.
#
# Nothing is done when the machine has one of its own on the PATH or this one is already
# there; `--force` installs all the same. Elsewhere than on Debian and Ubuntu it says
# what to install.
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/.tools
target=$tools/redis
by_hand='install Redis 6.2 or newer, or Valkey, so that redis-server is on the PATH'

fail() {
  printf 'setup-redis: %s\n' "$1" >&2
  exit 1
}

# Succeeds when the program $1 is a Redis of at least 6.2.
suitable() {
  local version major minor
  version=$("$1" --version 2>/dev/null | sed -nE 's/.* v=([0-9]+\.[0-9]+).*/\1/p')
  [[ -n $version ]] || return 1
  major=${version%%.*}
  minor=${version#*.}
  ((major > 6 || (major == 6 && minor >= 2)))
}

# The libraries that the program needs, but for the C library: the packages that
# redis-tools, which holds the program, depends on by itself.
libraries() {
  apt-cache depends redis-tools 2>/dev/null | sed -nE 's/^ +Depends: (lib[a-z0-9.+-]+)$/\1/p' | grep -v '^libc6$' || true
}

# Fetches the packages into the folder $1, as files only.
download() {
  local packages
  if ! apt-cache show redis-tools >/dev/null 2>&1 && [[ $EUID -eq 0 ]]; then
    apt-get update -qq
  fi
  mapfile -t packages < <(libraries)
  (cd "$1" && apt-get download -qq redis-server redis-tools "${packages[@]}" >apt.log 2>&1)
}

[[ ${1:-} == '' || ${1:-} == --force ]] || fail 'the only option is --force.'
if [[ ${1:-} != --force ]]; then
  if found=$(command -v redis-server) && suitable "$found"; then
    printf 'Redis: using the one in %s.\n' "$(dirname "$found")"
    exit 0
  fi
  if suitable "$target/bin/redis-server"; then
    printf 'Redis: already in .tools/redis.\n'
    exit 0
  fi
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  fail "there is no redis-server; $by_hand."
fi
mkdir -p "$tools" 2>/dev/null || fail "the folder $tools can't be written; run this as the owner of the repository."

# Complete before it takes the place of an old one, so that an interrupted run leaves
# either the old installation or none. Others may enter, because apt downloads as
# another user when it can.
work=$(mktemp -d "$tools/redis.XXXXXX" 2>/dev/null) || fail "the folder $tools can't be written; run this as the owner of the repository."
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
printf 'Downloading Redis (3 MB)…\n'
download "$work" || fail "apt-get could not download it ($(grep -m1 '^E:' "$work/apt.log" 2>/dev/null || echo 'no package lists')); $by_hand."
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$work/tree"
done
# The wrapper makes the program find the libraries beside it, wherever the folder lies.
mkdir -p "$work/tree/bin"
cat >"$work/tree/bin/redis-server" <<'WRAPPER'
#!/bin/sh
tree=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH=$(echo "$tree"/usr/lib/*-linux-gnu* | tr ' ' ':'):$(echo "$tree"/lib/*-linux-gnu* | tr ' ' ':')
export LD_LIBRARY_PATH
exec "$tree/usr/bin/redis-server" "$@"
WRAPPER
chmod 755 "$work/tree/bin/redis-server"
suitable "$work/tree/bin/redis-server" || fail "the downloaded Redis does not run on this machine or is older than 6.2; $by_hand."
rm -rf "$target"
mv "$work/tree" "$target"
printf 'Redis: %s, in .tools/redis.\n' "$("$target/bin/redis-server" --version | sed -nE 's/.* (v=[^ ]+).*/\1/p')"
