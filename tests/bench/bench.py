#!/usr/bin/env python3
"""`make bench`: the hot paths beside their limit and beside the usual choices.

Starts a private, durable Postgres, fills it, and measures in turn, in short rounds:
pgbench with the same statements pipelined (the limit), `glassbox serve`, an application
with Fastify and pg, one with FastAPI and asyncpg. Prints a Markdown table of medians and
leaves nothing running. tests/bench/README.md says how to read it.

Environment: ROUNDS (5), SECONDS_PER_ROUND (4), NODES (100000), SMALL (10000; 0 skips the
comparison of sizes), ONLY (names of operations, with commas between), CONTESTANTS.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import resource
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ROOT / ".tools"
PG = pathlib.Path(os.environ.get("GLASSBOX_PG_BIN") or TOOLS / "postgres" / "bin")
BINARY = pathlib.Path(os.environ.get("GLASSBOX_BINARY") or ROOT / "target" / "release" / "glassbox")
STATEMENTS = HERE / "sql" / "statements.sql"
ROUNDS = int(os.environ.get("ROUNDS", 5))
SECONDS = float(os.environ.get("SECONDS_PER_ROUND", 4))
NODES = int(os.environ.get("NODES", 100_000))
SMALL = int(os.environ.get("SMALL", 10_000))
CLIENTS = 8
USER = "0192a000-0000-7000-8000-0000000000a1"
ORG = "0192a000-0000-7000-8000-0000000000b1"
PROJECT = "0192a000-0000-7000-8001-000000000032"
TICK = os.sysconf("SC_CLK_TCK")
# The offered rate at which latencies are compared, as a part of the slowest contestant's
# rate: all of them bear it, so the figure tells of latency and not of a queue.
OFFERED = 0.5
# A Postgres of its own, durable, with memory for the whole data set.
SETTINGS = ["fsync=on", "synchronous_commit=on", "shared_buffers=512MB", "max_wal_size=4GB", "jit=off"]

OPERATIONS = {
    "read": ("GET", "/api/v1/nodes/{node}", ""),
    "list": ("GET", f"/api/v1/projects/{PROJECT}/nodes?limit=100", ""),
    "update": ("PATCH", "/api/v1/nodes/{node}", '{"title":"Inspect pier, round {n}"}'),
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


class Processes:
    """Everything that was started, so that all of it is stopped."""

    def __init__(self):
        self.running = []

    def start(self, name, command, **options):
        log = open(pathlib.Path(tempfile.gettempdir()) / f"glassbox-bench-{name}.log", "w", encoding="utf-8")
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)
        self.running.append(process)
        return process

    def stop(self, process):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.running.remove(process)

    def stop_all(self):
        for process in reversed(self.running[:]):
            self.stop(process)


class Postgres:
    """A private cluster in a folder that goes away with it."""

    def __init__(self, processes):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="glassbox-bench-", dir="/var/tmp"))
        self.port = free_port()
        # Postgres refuses to run as root.
        self.account = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        if self.account:
            os.chown(self.folder, 65534, 65534)
        data = self.folder / "data"
        quiet = {"stdout": subprocess.DEVNULL, "cwd": self.folder, **self.account}
        subprocess.run(
            [PG / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"], check=True, **quiet
        )
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        self.process = processes.start(
            "postgres",
            [PG / "postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", self.folder, *options],
            cwd=self.folder,
            **self.account,
        )
        self.wait()
        self.psql("postgres", "-c", "create role glassbox_owner login createrole")

    def wait(self):
        for _ in range(100):
            done = subprocess.run([PG / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit("Postgres did not start")

    def psql(self, database, *arguments):
        command = [PG / "psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        subprocess.run([*command, "-v", "ON_ERROR_STOP=1", *arguments], check=True, stdout=subprocess.DEVNULL)

    def url(self, role, database):
        return f"postgres://{role}:bench@127.0.0.1:{self.port}/{database}"

    def create(self, database, nodes):
        say(f"{nodes:,} nodes and {3 * nodes:,} versions")
        self.psql("postgres", "-c", f"create database {database} owner glassbox_owner")
        self.psql(database, "-c", "create extension vector")
        settings = environment(self, database, 0)
        subprocess.run([BINARY, "--env", "dev", "migrate"], check=True, env=settings, stdout=subprocess.DEVNULL)
        self.psql(database, "-v", f"nodes={nodes}", "-f", HERE / "sql" / "seed.sql")


def environment(postgres, database, port):
    return {
        "PATH": os.environ["PATH"],
        "GLASSBOX_DATABASE__URL": postgres.url("glassbox_app", database),
        "GLASSBOX_DATABASE__OWNER_URL": postgres.url("glassbox_owner", database),
        "GLASSBOX_DATABASE__MAX_CONNECTIONS": str(os.environ.get("POOL", 20)),
        "GLASSBOX_SERVER__PORT": str(port),
        "GLASSBOX_AUTH__SIGNING_KEY": "42" * 32,
        "GLASSBOX_AUTH__DEV_TOKENS": "true",
        "GLASSBOX_STORAGE__URL_SECRET": "bench-bench-bench-bench-bench-bench",
        "GLASSBOX_STORAGE__FOLDER": str(postgres.folder / "blobs"),
        "GLASSBOX_VAULT__KEY": "24" * 32,
        # One user asks for all of it; still counted, but let through.
        "GLASSBOX_LIMITS__GENERAL": "1000000",
        # One line a request is ours alone to write; the others are told not to.
        "GLASSBOX_LOG__FILTER": "warn",
    }


def cpu_of(pids):
    """Processor seconds, user and system, that the processes have used."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / TICK


def family(pid):
    """The process and all below it."""
    found = [pid]
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found += family(int(path.parent.name))
    return found


def memory_of(pids):
    """Proportional set size in MB."""
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1024


def hmac_token(secret):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"sub": USER, "exp": int(time.time()) + 86_400}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


class Served:
    """A contestant behind HTTP: started anew for each database, warmed, then measured."""

    def __init__(self, name, processes, postgres, database):
        self.name, self.postgres = name, postgres
        self.port = free_port()
        secret = secrets.token_hex(16)
        settings = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "SECRET": secret,
            "STATEMENTS": str(STATEMENTS),
            "DATABASE_URL": postgres.url("glassbox_app", database),
            "NODE_ENV": "production",
            "NODE_PATH": str(TOOLS / "bench" / "fastify" / "node_modules"),
        }
        if name == "GlassBox":
            settings = environment(postgres, database, self.port)
            command = [BINARY, "--env", "dev", "serve"]
        elif name == "Fastify":
            command = ["node", HERE / "fastify" / "app.js"]
        else:
            command = [TOOLS / "bench" / "venv" / "bin" / "uvicorn", "app:app", "--workers", "2", "--no-access-log"]
            command += ["--app-dir", HERE / "fastapi", "--port", str(self.port), "--log-level", "warning"]
            settings["PYTHONDONTWRITEBYTECODE"] = "1"
        self.process = processes.start(name.lower(), command, env=settings, cwd=postgres.folder)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.1)
        self.token = self.dev_token() if name == "GlassBox" else hmac_token(secret)

    def dev_token(self):
        body = json.dumps({"userId": "bench", "email": "bench@example.com"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/auth/dev-token", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)["token"]

    def fetch(self, path):
        headers = {"authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def run(self, operation, nodes, seconds, rate=0.0):
        method, path, body = OPERATIONS[operation]
        command = [load_binary(), "--address", f"127.0.0.1:{self.port}", "--method", method, "--path", path]
        command += ["--body", body, "--token", self.token, "--nodes", str(nodes), "--connections", str(CLIENTS)]
        command += ["--seconds", str(seconds), "--rate", str(rate)]
        return measured(command, self.process.pid, self.postgres.process.pid, json.loads)


class Pgbench:
    """The limit: the statements alone, each transaction in one pipeline."""

    name = "pgbench"

    def __init__(self, postgres, database):
        self.postgres, self.database = postgres, database

    def run(self, operation, nodes, seconds, rate=0.0):
        script = self.postgres.folder / f"{operation}.sql"
        script.write_text(pgbench_script(operation, nodes), encoding="utf-8")
        log = self.postgres.folder / "pgbench"
        command = [PG / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(max(1, round(seconds)))]
        command += ["-h", "127.0.0.1", "-p", str(self.postgres.port), "-U", "glassbox_app", "-f", script]
        command += ["-l", "--log-prefix", log, "--sampling-rate", "0.2"]
        command += ["-R", str(round(rate))] if rate else []

        def read(output):
            done = int(re.search(r"actually processed: (\d+)", output)[1])
            tps = float(re.search(r"tps = ([0-9.]+)", output)[1])
            micros = []
            for part in self.postgres.folder.glob("pgbench.*"):
                micros += [int(line.split()[2]) for line in part.read_text(encoding="utf-8").splitlines()]
                part.unlink()
            micros.sort()
            at = lambda q: micros[int((len(micros) - 1) * q)] if micros else 0
            return {"requests": done, "errors": 0, "seconds": done / tps, "p50_us": at(0.5), "p99_us": at(0.99)}

        return measured([*command, self.database], None, self.postgres.process.pid, read)


def pgbench_script(operation, nodes):
    """The contestants' statements with pgbench's variables for their values."""
    sql = dict(part.split("\n", 1) for part in STATEMENTS.read_text(encoding="utf-8").split("-- name: ")[1:])
    node = "('0192a000000070008000' || lpad(to_hex(:i::int), 12, '0'))::uuid"
    fresh = "gen_random_uuid()"
    project = f"'{PROJECT}'::uuid"

    def put(name, *values):
        text = re.sub(r"\$(\d+)", lambda m: str(values[int(m[1]) - 1]), sql[name])
        return " ".join(text.split()) + ";"

    lines = [f"\\set i random(1, {nodes})", "\\set v random(1000, 2000000000)", "\\set l 101", "\\startpipeline", "begin;"]
    lines.append(put("enter", f"'{USER}'", *(("'project'", project) if operation == "list" else ("'node'", node))))
    if operation == "read":
        lines += [put("node", node), put("inputs", node), put("outputs", node)]
    elif operation == "list":
        lines += [put("count", project), put("list", project, ":l")]
    else:
        snapshot = json.dumps({"title": "Inspect pier", "description": "Look at the concrete. " * 40})
        payload = json.dumps({"nodeId": USER, "changes": {"title": "Inspect pier"}, "version": 4})
        lines.append(put("lock", f"array[{node}]"))
        lines.append(put("update", node, "'Inspect pier ' || :v", "'Look'", "'draft'", ":v", "'{\"priority\": \"high\"}'", "null", "now()"))
        lines += [put("inputs", node), put("outputs", node), put("email", f"'{USER}'::uuid")]
        lines.append(put("version", fresh, f"'{ORG}'", node, ":v", f"'{snapshot}'", f"'{USER}'", "now()"))
        change = "'{\"title\": \"Inspect pier\"}'"
        lines.append(put("audit", fresh, f"'{ORG}'", f"'{USER}'", node, change, change, "'bench'", "now()"))
        lines.append(put("outbox", fresh, f"'{ORG}'", "'[\"project-x\", \"node-y\"]'", f"'{payload}'", "now()"))
    return "\n".join([*lines, "commit;", "\\endpipeline", ""])


def measured(command, program, postgres, read):
    """Runs a generator and adds what it cost the program and Postgres."""
    programs = family(program) if program else []
    before = cpu_of(programs), cpu_of(family(postgres)) + reaped(postgres), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr[-2000:]}")
    time.sleep(0.05)  # The backends of pgbench end with it; what they used is then the postmaster's to tell.
    after = cpu_of(programs), cpu_of(family(postgres)) + reaped(postgres), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = read(done.stdout)
    count = max(1, result["requests"])
    if result["errors"]:
        raise SystemExit(f"{result['errors']} requests failed: {' '.join(map(str, command[:12]))}")
    generator = after[2].ru_utime + after[2].ru_stime - before[2].ru_utime - before[2].ru_stime
    result["rate"] = count / result["seconds"]
    result["program_ms"] = (after[0] - before[0]) / count * 1000
    result["postgres_ms"] = (after[1] - before[1]) / count * 1000
    result["generator_ms"] = generator / count * 1000
    result["memory_mb"] = memory_of(programs)
    return result


def reaped(pid):
    """Processor seconds of children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / TICK


def load_binary():
    """The newest build of tests/bench/load.rs."""
    builds = [p for p in (ROOT / "target" / "release" / "deps").glob("load-*") if not p.suffix]
    return max(builds, key=lambda path: path.stat().st_mtime)


def shape(value):
    """The names in an answer, to see that all contestants do the same work."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in sorted(value.items())}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def check_answers(contestants):
    """Refuses to compare contestants that do not answer the same."""
    served = [c for c in contestants if isinstance(c, Served)]
    for path in ("/api/v1/nodes/0192a000-0000-7000-8000-000000000007", f"/api/v1/projects/{PROJECT}/nodes?limit=100"):
        shapes = {c.name: shape(c.fetch(path)) for c in served}
        for part in shapes.values():
            # A cursor is ours alone; numbers may be written as 1 or 1.0.
            part.pop("nextCursor", None)
        texts = {name: json.dumps(part).replace('"float"', '"int"') for name, part in shapes.items()}
        if len(set(texts.values())) > 1:
            raise SystemExit(f"the contestants answer differently: {json.dumps(texts, indent=1)}")


def main_rounds(contestants, operation):
    results = {c.name: [] for c in contestants}
    for c in contestants:
        c.run(operation, NODES, 1.5)
    for number in range(ROUNDS):
        say(f"{operation}: round {number + 1} of {ROUNDS}")
        for c in contestants:
            results[c.name].append(c.run(operation, NODES, SECONDS))
    middle = {name: {key: statistics.median(r[key] for r in rounds) for key in rounds[0]} for name, rounds in results.items()}
    offered = OFFERED * min(m["rate"] for m in middle.values())
    for c in contestants:
        paced = [c.run(operation, NODES, SECONDS / 2, offered) for _ in range(max(1, ROUNDS // 2))]
        for key in ("p50_us", "p99_us"):
            middle[c.name]["paced_" + key] = statistics.median(r[key] for r in paced)
    return middle, offered


def print_table(operation, middle, offered):
    limit = middle.get("pgbench", {}).get("rate")
    fastify = middle.get("Fastify", {}).get("rate")
    print(f"\n### {operation}\n")
    print(f"| | rate /s | of the limit | × Fastify | p50, p99 ms | at {offered:,.0f}/s: p50, p99 ms | CPU ms/request: program, Postgres, generator | memory MB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, m in middle.items():
        part = f"{m['rate'] / limit:.0%}" if limit else "–"
        times = f"{m['rate'] / fastify:.2f}" if fastify else "–"
        print(
            f"| {name} | {m['rate']:,.0f} | {part} | {times} | {m['p50_us'] / 1000:.2f}, {m['p99_us'] / 1000:.2f} "
            f"| {m['paced_p50_us'] / 1000:.2f}, {m['paced_p99_us'] / 1000:.2f} "
            f"| {m['program_ms']:.3f}, {m['postgres_ms']:.3f}, {m['generator_ms']:.3f} | {m['memory_mb'] or 0:.0f} |",
            flush=True,
        )


def compare_sizes(processes, postgres, operations):
    """Ours on the small and on the large database, in turn."""
    postgres.create("small", SMALL)
    sizes = {"small": SMALL, "large": NODES}
    served = {d: Served("GlassBox", processes, postgres, d) for d in sizes}
    print(f"\n### {SMALL:,} and {NODES:,} nodes (rate /s of GlassBox)\n\n| | small | large | falls by |\n|---|---|---|---|")
    for operation in operations:
        rates = {d: [] for d in sizes}
        for database, server in served.items():
            server.run(operation, sizes[database], 1)
        for _ in range(max(1, ROUNDS)):
            for database, server in served.items():
                rates[database].append(server.run(operation, sizes[database], SECONDS / 2)["rate"])
        small, large = (statistics.median(rates[d]) for d in sizes)
        print(f"| {operation} | {small:,.0f} | {large:,.0f} | {1 - large / small:.0%} |", flush=True)


def main():
    operations = [name for name in OPERATIONS if name in os.environ.get("ONLY", ",".join(OPERATIONS)).split(",")]
    names = os.environ.get("CONTESTANTS", "pgbench,GlassBox,Fastify,FastAPI").split(",")
    processes = Processes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    postgres = None
    try:
        postgres = Postgres(processes)
        postgres.create("large", NODES)
        contestants = [
            Pgbench(postgres, "large") if name == "pgbench" else Served(name, processes, postgres, "large") for name in names
        ]
        check_answers(contestants)
        for operation in operations:
            print_table(operation, *main_rounds(contestants, operation))
        for contestant in contestants:
            if isinstance(contestant, Served):
                processes.stop(contestant.process)
        if SMALL:
            compare_sizes(processes, postgres, operations)
    finally:
        processes.stop_all()
        if postgres:
            shutil.rmtree(postgres.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
