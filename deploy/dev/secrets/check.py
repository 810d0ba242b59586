"""Refuses secrets in what git keeps or would add, and in the synthesized templates of the stacks.

The scanner is Kingfisher, which asks nobody: neither whether a key works nor for a newer version.
Its rules know the forms of some hundred services; rules.yml beside this file adds those of our own
keys. What is meant to be public is listed in public.toml, with the reason.

A scanner that finds nothing is not known to look. So each run also plants made-up keys in a folder
of its own, and fails unless all of them are found.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCANNER = ROOT / ".tools/venv/bin/kingfisher"
RULES = HERE / "rules.yml"
PUBLIC = HERE / "public.toml"
TEMPLATES = ROOT / "deploy/cdk/cdk.out"

# Their examples are made to be found.
OURS = {RULES, PUBLIC}

# In pieces, so that this file holds none of them.
PLANTED = {
    "aws.env": "AWS_ACCESS_KEY_ID=" + "AKIA" + "Q3EGZ7RUVN2XWKBM"
    "\nAWS_SECRET_ACCESS_KEY=" + "h8Vq2Lm0/Zt6Rb4Xw9Yc1Kd3" + "+Fg5Jn7Ps8Qu2Ia4\n",
    "github.txt": "ghp_" + "7Kq2mX9vLb4RtZ0cWn6JdY3sHf8GpE1aUo5i" + "\n",
    "vault.env": "GLASSBOX_VAULT__KEY=" + "9e0b4d386f91c4d08ab372e55fd1c2a7" * 2 + "\n",
    "address.env": "GLASSBOX_DATABASE__URL=" + "postgres://glassbox_app:" + "w7TzQ4mXb9Lk2" + "@db:5432/g\n",
    "private.pem": "-----BEGIN " + "PRIVATE KEY-----\n" + "MC4CAQAwBQYDK2VwBCIEIJ9q3nZ0vXk7Lw2m" * 3
    + "\n-----END " + "PRIVATE KEY-----\n",
}

Found = collections.namedtuple("Found", "path line value rule")


def main() -> int:
    kept = files_kept()
    made = sorted(TEMPLATES.glob("*/*.template.json"))
    with tempfile.TemporaryDirectory() as folder:
        planted = plant(pathlib.Path(folder))
        check_rules()
        found = scan(kept + made + planted)
    missed = [path.name for path in planted if not any(one.path == path for one in found)]
    if missed:
        return fail(f"the scanner did not find what was planted for it: {', '.join(missed)}")
    faults = judge([one for one in found if one.path not in planted])
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return fail(f"a secret has to be changed where it is in use, not only removed; what is public goes into {name(PUBLIC)}")
    print(f"no secrets in {len(kept)} files and {len(made)} templates" + ("" if made else " (`make check-deploy` makes them)"))
    return 0


def files_kept() -> list[pathlib.Path]:
    """What git keeps, and what `git add` would take: a key is best refused before it is committed."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    paths = sorted({ROOT / path for path in listed.split("\0") if path})
    kept = [path for path in paths if path.is_file() and not path.is_symlink() and path not in OURS]
    if not kept:
        raise SystemExit("check-secrets: git lists no files here")
    return kept


def plant(folder: pathlib.Path) -> list[pathlib.Path]:
    for file, text in PLANTED.items():
        (folder / file).write_text(text)
    return [(folder / file).resolve() for file in PLANTED]


def check_rules() -> None:
    run([SCANNER, "rules", "check", "--quiet", "--no-update-check", "--rules-path", RULES, "--load-builtins", "false"])


def scan(paths: list[pathlib.Path]) -> list[Found]:
    options = ["--quiet", "--no-update-check", "--no-validate", "--git-history", "none", "--no-dedup"]
    options += ["--confidence", "low", "--format", "jsonl", "--rules-path", RULES]
    options += ["--rule-cache-dir", ROOT / ".tools/secret-rules"]
    # It ends with a number of its own when something was found.
    lines = run([SCANNER, "scan", *options, *paths], ends=(0, 200, 205)).splitlines()
    answers = [json.loads(line) for line in lines if line.strip()]
    summary = [one["audit"]["summary"] for one in answers if "audit" in one]
    if [one["scan_succeeded"] for one in summary] != [len(paths)]:
        raise SystemExit(f"check-secrets: the scanner did not read all of {len(paths)} files: {summary}")
    return [found_in(one) for one in answers if "finding" in one]


def found_in(answer: dict) -> Found:
    finding = answer["finding"]
    path = pathlib.Path(finding["path"])
    return Found((ROOT / path).resolve(), finding["line"], finding["snippet"], answer["rule"]["id"])


def judge(found: list[Found]) -> list[str]:
    public = tomllib.loads(PUBLIC.read_text())["public"]
    allowed = {(ROOT / one["path"], one["value"]) for one in public if one["why"].strip()}
    faults = {
        f"{name(one.path)}:{one.line}: {shown(one.value)} looks like a secret ({one.rule})"
        for one in found
        if (one.path, one.value) not in allowed
    }
    met = {(one.path, one.value) for one in found}
    stale = {f"{name(PUBLIC)}: nothing like {shown(value)} is in {name(path)} any more" for path, value in allowed - met}
    return sorted(faults) + sorted(stale)


def shown(value: str) -> str:
    """Enough to find it by; the log of a check is read by more people than the file."""
    return f"“{value[:4]}…” ({len(value)} characters)"


def name(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def run(command: list, ends: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in ends:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
        raise SystemExit(f"check-secrets: {command[0]} ended with {done.returncode}")
    return done.stdout


def fail(why: str) -> int:
    print(f"check-secrets: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
