"""Checks every command that the documents tell somebody to type, and that the runbook has every
finding of doctor:

    .tools/sqs/bin/python deploy/dev/check-documents.py <glassbox>

What can be tried here is tried: `make` in its dry form, `glassbox` up to its own --help, which it
reaches only past flags that it knows, openssl as written. Of the rest the form is checked: aws by
the models of its services, curl by the paths of docs/openapi.json, cargo by the tests there are.

A block whose commands need something else says so in its first line, such as `# Needs AWS.`; the
programs that may stand there are in NEEDS. What needs a running server is then run, block by block,
beside a `glassbox dev` in a folder that is thrown away. A command that is in no list fails, so that
a new kind of command gets a check or a mark. Commands within sentences, `like this`, are held to the same
when they begin with make, glassbox or cargo.
"""

import collections
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request

import botocore.session
from botocore import xform_name

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "SECURITY.md", "deploy/README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
# What has happened, and what was asked for in the words of another program.
LEFT_OUT = {"docs/CHANGELOG.md", "docs/ROADMAP.md"}
SHELLS = {"sh", "bash", "console", "shell"}
NEEDS = {
    "AWS": {"aws", "npx", "npm"},
    "Docker": {"docker"},
    "a running server": {"curl", "psql", "grep", "cut"},
}
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\S*).*$")
MARK = re.compile(r"^# Needs ([^.,;]+)[.,;]")
# A value for <id>, …: what must be parsed is one of these two.
SOME_ID = "0197c1a0-0000-7000-8000-000000000001"
SOME_NUMBER = "1"

# Each run sees these refused: a check that refuses nothing would look the same as one that is met.
WRONG = [
    "make no-such-target",
    "make test COLOUR=red",
    "make smoke URL=https://example.com",
    "make dev ARGS='--no-such-flag'",
    "glassbox no-such-command",
    "glassbox doctor --no-such-flag",
    "glassbox migrate --down",
    "cargo test --test no-such-test",
    "cargo test --test http no_such_name_anywhere",
    "GLASSBOX_SERVER__NO_SUCH_KEY=1 glassbox serve",
    "GLASSBOX_NOBODY_READS=1 make test",
    "deploy/dev/no-such-script.sh",
    "no-such-program --help",
    "curl http://localhost:8080/health",
    "aws ecs update-service --service serve",
    "openssl nosuchcommand",
    "cd no-such-folder",
]
WRONG_ALTHOUGH_MARKED = [
    "curl $URL/no/such/path",
    "curl -X DELETE $URL/health",
    "aws no-such-service list",
    "aws ecs no-such-operation",
    "aws ecs update-service --cluster glassbox --no-such-option",
    "npx cdk deploy glassbox-staging-nothing -c env=staging",
    "no-such-program --help",
]

Command = collections.namedtuple("Command", "document line words needs")
Block = collections.namedtuple("Block", "document line needs lines")


class Unfit(Exception):
    """Why a command can't be meant as it is written."""


def main() -> int:
    glassbox = pathlib.Path(sys.argv[1]).resolve()
    faults, seen = [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(glassbox, pathlib.Path(folder))
        faults += findings()
        faults += [f"check-documents: “{text}” was not refused" for text in not_refused(checks)]
        for document in DOCUMENTS:
            if document in LEFT_OUT:
                continue
            checks.begin()
            for command in commands(document):
                try:
                    seen[checks.check(command)] += 1
                except Unfit as why:
                    faults.append(f"{document}:{command.line}: {' '.join(command.words)}: {why}")
    for fault in faults:
        print(fault, file=sys.stderr)
    ran = 0
    if not faults:
        blocks = [part for document in DOCUMENTS if document not in LEFT_OUT for part in parts(document)]
        blocks = [part for part in blocks if isinstance(part, Block) and "a running server" in (part.needs or [])]
        ran, faults = len(blocks), run_beside(glassbox, blocks)
        print("\n".join(faults), end="\n" if faults else "", file=sys.stderr)
    # A reader of documents that finds no commands would otherwise find no faults for ever.
    if not faults and (seen["make"] < 10 or seen["glassbox"] < 10 or seen["aws"] < 5 or ran < 5):
        faults.append("too few commands were found")
        print(f"check-documents: too few commands were found: {dict(seen)}", file=sys.stderr)
    if not faults:
        print("commands of documents: " + ", ".join(f"{count} {program}" for program, count in seen.most_common()))
        print(f"{ran} blocks ran beside a server")
    return 1 if faults else 0


def findings() -> list[str]:
    """What differs between the findings that doctor has and those that the runbook explains."""
    made = re.compile(r'Finding::(?:new|of_some)\(\s*"(\w+)"')
    there = {name for file in (ROOT / "src").rglob("*.rs") for name in made.findall(file.read_text())}
    part = (ROOT / "docs/RUNBOOK.md").read_text().split("\n## Findings of doctor\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    told = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}
    if len(there) < 10:
        return [f"check-documents: too few findings of doctor were found: {sorted(there)}"]
    return [f"docs/RUNBOOK.md: the finding {name} is only {'there' if name in told else 'in src'}" for name in sorted(there ^ told)]


def not_refused(checks: "Checks") -> list[str]:
    missed = []
    for text, needs in [(text, None) for text in WRONG] + [(text, list(NEEDS)) for text in WRONG_ALTHOUGH_MARKED]:
        checks.begin()
        checks.at = ROOT / "deploy/cdk" if text.startswith("npx") else ROOT
        try:
            checks.check(Command("", 0, split(text)[0], needs))
            missed.append(text)
        except Unfit:
            pass
    return missed


def commands(document: str):
    """The commands of a document, in order."""
    for part in parts(document):
        if isinstance(part, Block):
            yield from of_block(part)
        else:
            yield from inline(document, part)


def parts(document: str):
    """The blocks that are typed, and the paragraphs between all blocks as lists of numbered lines."""
    fence, shell, block, prose = None, False, None, []
    for number, line in enumerate([*(ROOT / document).read_text().splitlines(), ""], 1):
        mark = FENCE.match(line)
        if fence is None and (mark or not line.strip()):
            yield prose
            prose = []
            if mark:
                fence, shell, block = mark[1], mark[2] in SHELLS, Block(document, number, None, [])
        elif fence is None:
            prose.append((number, line))
        elif line.strip() == fence:
            if shell:
                yield block
            fence = None
        else:
            needs = MARK.match(line.strip()) if not block.lines else None
            block = block._replace(needs=needs[1].split(" and ")) if needs else block
            block.lines.append(line)


def of_block(block: Block):
    held, start = "", 0
    for number, line in enumerate(block.lines, block.line + 1):
        start = start if held else number
        held += typed(line)
        if held.endswith("\\\n"):
            continue
        whole = split(held)
        if whole is not None:
            held = ""
            yield from (Command(block.document, start, words, block.needs) for words in whole)
    if held:
        yield Command(block.document, start, ["(a quote that does not end)"], block.needs)


def typed(line: str) -> str:
    """What is to be typed of a line: without the prompt."""
    line = line.strip()
    return (line[2:] if line.startswith("$ ") else line) + "\n"


def inline(document: str, prose: list[tuple[int, str]]):
    """The commands within a paragraph, in which one may be broken over two lines."""
    text = "\n".join(line for _, line in prose)
    for found in re.finditer(r"`([^`]+)`", text):
        number = prose[text.count("\n", 0, found.start())][0]
        for words in split(" ".join(found[1].split())) or []:
            plain = next((word for word in words if not is_assignment(word)), "")
            if plain in ("make", "glassbox", "cargo") and len(words) > 1:
                # Nobody types it from a sentence without having read what it needs.
                yield Command(document, number, words, list(NEEDS))


def split(text: str) -> list[list[str]] | None:
    """The commands of a line, those within $(…) too; nothing while a quote is open."""
    text = text.replace("\\\n", " ")
    within = re.findall(r"\$\(([^()]*)\)", text)
    text = re.sub(r"\$\([^()]*\)", "substituted", text)
    text = re.sub(r"<[^<>|&;\n]*>", "placeholder", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found, words = [], []
    try:
        for token in lexer:
            if token in ("&&", "||", ";", "|", "&"):
                found, words = found + [words], []
            else:
                words.append(token)
    except ValueError:
        return None
    found.append(words)
    return [words for words in found if words] + [words for one in within for words in split(one) or []]


def is_assignment(word: str) -> bool:
    return re.match(r"^[A-Za-z_]\w*=", word) is not None


class Checks:
    """What is known about the programs that documents name."""

    def __init__(self, glassbox: pathlib.Path, folder: pathlib.Path):
        self.glassbox_bin, self.folder = glassbox, folder
        self.makefile = (ROOT / "Makefile").read_text()
        self.targets = set(re.findall(r"^([a-z][a-z0-9-]*):", self.makefile, re.M))
        self.paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
        self.aws_session = botocore.session.get_session()

    def begin(self) -> None:
        """A document's reader starts in the root folder."""
        self.at = ROOT

    def check(self, command: Command) -> str:
        words, needs = list(command.words), command.needs or []
        for need in needs:
            if need not in NEEDS:
                raise Unfit(f"“Needs {need}.” is not a mark; there are: {', '.join(NEEDS)}")
        while words and is_assignment(words[0]):
            self.variable(words.pop(0))
        if "export" == (words[0] if words else None):
            for word in words[1:]:
                self.variable(word)
            return "settings"
        if not words:
            return "settings"
        if ">" in words:
            words = words[: words.index(">")]
        return self.program(words, needs)

    def program(self, words: list[str], needs: list[str]) -> str:
        name = words[0].rsplit("/", 1)[-1] if words[0].startswith((".tools/", "target/")) else words[0]
        marked = set().union(*(NEEDS[need] for need in needs))
        check = getattr(self, name.replace("-", "_"), None) if name in KNOWN else None
        if name in KNOWN_IF_MARKED and name not in marked:
            raise Unfit(f"{name} needs what is not here; begin its block with “# Needs ….”")
        if check is None and name not in marked:
            return self.script(words)
        if check is not None:
            check(words[1:], needs)
        return name

    def variable(self, word: str) -> None:
        name = word.split("=", 1)[0]
        if "__" in name and name.startswith("GLASSBOX_"):
            section, key = name.removeprefix("GLASSBOX_").lower().split("__", 1)
            part = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", (ROOT / "config/default.toml").read_text(), re.M | re.S)
            if not part or not re.search(rf"^{key} = ", part[1], re.M):
                raise Unfit(f"{name} is no setting of config/default.toml")
        elif name.startswith(("GLASSBOX_", "CHAOS_", "FUZZ_", "RUST_")):
            if subprocess.run(["git", "grep", "-qw", name, "--", "src", "tests", "Makefile", "deploy/dev/*.sh"], cwd=ROOT).returncode:
                raise Unfit(f"nothing reads {name}")

    def make(self, words: list[str], needs: list[str]) -> None:
        targets = [word for word in words if not is_assignment(word)]
        for word in set(words) - set(targets):
            name = word.split("=", 1)[0]
            if f"$({name})" not in self.makefile and f"$${{{name}:-" not in self.makefile:
                raise Unfit(f"the Makefile does not use {name}")
            if name == "ARGS":
                self.glassbox(["dev", *shlex.split(word.split("=", 1)[1])], needs)
        for target in targets:
            if target not in self.targets:
                raise Unfit(f"the Makefile has no target {target}")
            steps = run(["make", "--dry-run", "--silent", target], ROOT)
            if re.search("^deploy/aws/", steps, re.M) and "AWS" not in needs:
                raise Unfit("it calls AWS; begin its block with “# Needs AWS.”")

    def glassbox(self, words: list[str], _needs: list[str]) -> None:
        """Past --help nothing happens, and it is reached only by flags and values that are understood."""
        words = [word for word in words if not re.fullmatch(r"\[.*\]|--", word)]
        for value in (SOME_ID, SOME_NUMBER):
            filled = [value if word in ("placeholder", "…", "substituted") or word.startswith("$") else word for word in words]
            done = subprocess.run([self.glassbox_bin, *filled, "--help"], cwd=self.folder, capture_output=True, text=True)
            if done.returncode == 0:
                return
        raise Unfit(done.stderr.strip().splitlines()[0])

    def cargo(self, words: list[str], needs: list[str]) -> None:
        ours, theirs = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
        if ours[0] not in ("build", "check", "test", "run", "clippy", "fmt", "doc", "clean"):
            raise Unfit(f"cargo {ours[0]} is not what the documents are for")
        if ours[0] == "run":
            self.glassbox(theirs, needs)
        if ours[0] != "test":
            return
        flags = {"--test", "--lib", "--locked", "--no-fail-fast"}
        unknown = [word for word in ours if word.startswith("-") and word not in flags]
        if unknown:
            raise Unfit(f"unknown here: {unknown[0]}")
        sources = ROOT / "src"
        if "--test" in ours:
            test = ours[ours.index("--test") + 1]
            sources = ROOT / "tests" / test
            if not sources.is_dir():
                raise Unfit(f"there is no test {test}")
            ours = [word for word in ours if word != test]
        for name in (word for word in ours[1:] if not word.startswith("-")):
            self.test_named(sources, name)

    def test_named(self, sources: pathlib.Path, name: str) -> None:
        last = name.rstrip(":").rsplit("::", 1)[-1]
        pattern = re.compile(rf"\b(fn|mod) \w*{re.escape(last)}")
        if not any(pattern.search(file.read_text()) for file in sources.rglob("*.rs")):
            raise Unfit(f"no test of {sources.relative_to(ROOT)} has {name} in its name")

    def openssl(self, words: list[str], _needs: list[str]) -> None:
        run(["openssl", *words], self.folder)

    def cd(self, words: list[str], _needs: list[str]) -> None:
        self.at = (self.at / words[0]).resolve()
        if not self.at.is_dir() or not self.at.is_relative_to(ROOT):
            raise Unfit("there is no such folder")

    def git(self, words: list[str], _needs: list[str]) -> None:
        if words != ["rev-parse", "HEAD"]:
            raise Unfit("no check of this is known")
        run(["git", *words], ROOT)

    def npm(self, words: list[str], _needs: list[str]) -> None:
        if words != ["ci"] or not (self.at / "package-lock.json").is_file():
            raise Unfit("no check of this is known")

    def npx(self, words: list[str], _needs: list[str]) -> None:
        if words[0] != "cdk" or words[1] not in ("bootstrap", "deploy", "diff", "drift") or not (self.at / "cdk.json").is_file():
            raise Unfit("no check of this is known")
        env = next((word.removeprefix("env=") for word in words if word.startswith("env=")), "")
        if not (self.at / f"config/{env}.ts").is_file():
            raise Unfit(f"there is no environment {env!r}")
        for stack in (word.removeprefix(f"glassbox-{env}-") for word in words if word.startswith("glassbox-")):
            if not (self.at / f"lib/{stack}.ts").is_file():
                raise Unfit(f"there is no stack {stack}")

    def docker(self, words: list[str], _needs: list[str]) -> None:
        if words[:2] != ["compose", "up"] or not (self.at / "docker-compose.yml").is_file():
            raise Unfit("no check of this is known")

    def aws(self, words: list[str], _needs: list[str]) -> None:
        service, operation, *rest = words
        if service not in self.aws_session.get_available_services():
            raise Unfit(f"AWS has no service {service}")
        model = self.aws_session.get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        if operation not in operations:
            raise Unfit(f"{service} can't {operation}")
        shape = model.operation_model(operations[operation]).input_shape
        known = {xform_name(name, "-") for name in shape.members}
        given = [word.removeprefix("--") for word in rest if word.startswith("--")]
        known |= {f"no-{name}" for name in known} | {"query", "output", "region", "profile"}
        required = {xform_name(name, "-") for name in shape.required_members}
        for name in given:
            if name not in known:
                raise Unfit(f"{service} {operation} knows no --{name}")
        if required - set(given):
            raise Unfit(f"{service} {operation} needs --{sorted(required - set(given))[0]}")

    def curl(self, words: list[str], _needs: list[str]) -> None:
        sends = {"-d", "--data", "--json"} & set(words)
        method = words[words.index("-X") + 1].lower() if "-X" in words else "post" if sends else "get"
        urls = [word for word in words if re.match(r"^(https?://|\$\w+/)", word)]
        if len(urls) != 1:
            raise Unfit("an address, and one, is expected")
        path = re.sub(r"^(https?://[^/]+|\$\w+)", "", urls[0].replace("$API/", "$URL/api/v1/")).split("?")[0]
        for template, methods in self.paths.items():
            if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path) and method in methods:
                return
        raise Unfit(f"docs/openapi.json has no {method.upper()} {path}")

    def script(self, words: list[str]) -> str:
        file = ROOT / words[0]
        if "/" in words[0] and file.is_relative_to(ROOT) and file.is_file() and file.stat().st_mode & 0o111:
            return "scripts"
        raise Unfit("no check of this command is known, and its block has no mark")


def run_beside(glassbox: pathlib.Path, blocks: list[Block]) -> list[str]:
    """Runs the blocks beside a workspace, as somebody who has pasted what it showed."""
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        # Postgres runs as another user when this is root, and must pass through.
        at.chmod(0o711)
        (at / "config").symlink_to(ROOT / "config")
        (at / ".tools/postgres").mkdir(parents=True)
        (at / ".tools/postgres/bin").symlink_to(postgres_bin())
        (at / "target").mkdir()
        (at / "target/debug").symlink_to(glassbox.parent)
        (at / ".curlrc").write_text("fail\nshow-error\nmax-time = 30\n")
        (at / ".psqlrc").write_text("\\set ON_ERROR_STOP on\n")
        server = subprocess.Popen([glassbox, "dev", "--port", "0"], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # It ends the reading below, should the server never come up.
        guard = threading.Timer(300, server.kill)
        guard.start()
        try:
            shown = []
            for line in server.stdout:
                shown.append(line)
                if line.startswith("Ctrl-C stops"):
                    return run_blocks(blocks, at, "".join(shown))
            return ["check-documents: `glassbox dev` did not come up:", *shown]
        finally:
            guard.cancel()
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)


def postgres_bin() -> pathlib.Path:
    """Where psql is: where `make setup` put it, or the machine's own, which setup then uses."""
    places = [ROOT / ".tools/postgres/bin", *sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if named := os.environ.get("GLASSBOX_PG_BIN"):
        places.insert(0, pathlib.Path(named))
    found = [place.resolve() for place in places if (place / "psql").is_file()]
    if not found:
        raise SystemExit("check-documents: there is no psql; run `make setup`")
    return found[0]


def run_blocks(blocks: list[Block], at: pathlib.Path, shown: str) -> list[str]:
    base = re.search(r"http://[\d.:]+", shown)[0]
    token = re.search(r"^TOKEN='(.*)'$", shown, re.M)[1]

    def ask(path: str):
        request = urllib.request.Request(f"{base}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    environment = {
        "PATH": f"{at}/target/debug:{os.environ['PATH']}",
        "HOME": str(at),
        "PSQLRC": f"{at}/.psqlrc",
        "TOKEN": token,
        "AUTH": f"Authorization: Bearer {token}",
        "URL": base,
        "API": f"{base}/api/v1",
        "ORG": ask("/orgs")["data"][0]["id"],
        "USER_ID": ask("/users/me")["id"],
        "EXECUTION": re.search(r"/executions/([0-9a-f-]{36})/trace", shown)[1],
        "GLASSBOX_ENV": "dev",
        "GLASSBOX_DATABASE__URL": f"postgres://glassbox_app@/glassbox?host={at}/.glassbox/postgres/socket",
        "GLASSBOX_STORAGE__URL_SECRET": re.search('^url_secret = "(.*)"', (at / ".glassbox/secrets.toml").read_text(), re.M)[1],
    }
    faults = []
    for block in blocks:
        prompted = any(line.strip().startswith("$ ") for line in block.lines)
        lines = [line for line in block.lines if not prompted or line.strip().startswith("$ ")]
        text = re.sub(r"http://(localhost|127\.0\.0\.1):8080", base, "".join(map(typed, lines)))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=at, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if done.returncode:
            faults.append(f"{block.document}:{block.line}: this block ended with {done.returncode}:\n{text}{done.stdout[-500:]}{done.stderr[-1000:]}")
    return faults


KNOWN = {"make", "glassbox", "cargo", "openssl", "cd", "git", "npm", "npx", "docker", "aws", "curl"}
KNOWN_IF_MARKED = set().union(*NEEDS.values())


def run(command: list[str], at: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=at, capture_output=True, text=True)
    if done.returncode:
        raise Unfit(f"it ends with {done.returncode}: {(done.stderr.strip() or '?').splitlines()[-1]}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
