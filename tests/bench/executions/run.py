#!/usr/bin/env python3
"""`make bench-executions`: executions of agents beside the usual ways to run them.

One private, durable Postgres, one fake model, one tool; every system in turn at every
concurrency, in short rounds. Prints Markdown tables and leaves nothing running. README.md
beside `bench.py` says how to read them; `scale.py` has what is measured of GlassBox alone.

Environment: ROUNDS (3), SECONDS_PER_ROUND (6), CONCURRENCIES (1,8,32), SYSTEMS (names with
commas between), SIZE (100, characters of a tool's argument), STEPS (10), RESULTS (a file to which
each round is added as a line of JSON).
"""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys

import psycopg
from glassbox import GlassBox, Meter, bench

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = bench.TOOLS / "bench-executions"
ROUNDS = int(os.environ.get("ROUNDS", 3))
SECONDS = float(os.environ.get("SECONDS_PER_ROUND", 6))
CONCURRENCIES = [int(n) for n in os.environ.get("CONCURRENCIES", "1,8,32").split(",")]
STEPS = int(os.environ.get("STEPS", 10))
SIZE = int(os.environ.get("SIZE", 100))
MODEL = f"steps-{STEPS}-size-{SIZE}-delay-1"
SYSTEMS = {
    "bare": "bare loop, nothing durable",
    "resumable": "resumable, the least",
    "glassbox": "GlassBox",
    "glassbox_read": "GlassBox, tool that only reads",
    "restate_steps": "Restate",
    "langgraph_plain": "LangGraph",
    "langgraph_tuned": "LangGraph, tuned",
    "dbos_steps": "DBOS",
    "older": "LiteLLM, insert per event",
}
TABLES = """
create table effects (id bigserial primary key, run uuid not null, step int not null, text text not null,
    created_at timestamptz not null default now());
create table runs (id uuid primary key, status text not null, created_at timestamptz not null default now());
create table journal (run uuid not null, sequence int not null, data jsonb not null,
    created_at timestamptz not null default now(), primary key (run, sequence));
create table events (id bigserial primary key, run uuid not null, kind text not null, data jsonb not null,
    created_at timestamptz not null default now());
"""


class Program:
    """A system that is a program of `systems/`, started anew for each measurement."""

    def __init__(self, processes, postgres, name, model_port):
        self.name, self.postgres = name, postgres
        postgres.psql("postgres", "-c", f"create database {name}")
        postgres.psql(name, "-c", TABLES)
        self.sql = psycopg.connect(postgres.url("postgres", name), autocommit=True)
        self.settings = {
            "PATH": os.environ["PATH"],
            "MODEL_URL": f"http://127.0.0.1:{model_port}/v1",
            "MODEL_NAME": MODEL,
            "DATABASE_URL": postgres.url("postgres", name),
            "POOL": "40",
            "RESTATE_SERVER": str(restate_server()),
            # None of them is to report to its maker.
            "LANGSMITH_TRACING": "false",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def measure(self, concurrency, _rate):
        command = [sys.executable, HERE / "systems" / f"{self.name}.py"]
        command += ["--concurrency", str(concurrency), "--seconds", str(SECONDS)]
        log = open(pathlib.Path(bench.tempfile.gettempdir()) / f"glassbox-bench-{self.name}.log", "w", encoding="utf-8")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
        with subprocess.Popen(command, env=self.settings, **pipes) as process:
            if process.stdout.readline() != "ready\n":
                process.wait()
                raise SystemExit(f"{self.name} did not start: {pathlib.Path(log.name).read_text()[-2000:]}")
            meter = Meter(self.postgres, self.sql)
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline()
            used = meter.read()
        if not line:
            raise SystemExit(f"{self.name} failed: {pathlib.Path(log.name).read_text()[-2000:]}")
        result = json.loads(line)
        return result | used | {"steps": len(result["took"]) * STEPS, "beside": 0}


class Ours:
    """GlassBox; how many runs fill a round is known from the last."""

    def __init__(self, processes, postgres, name, model_port):
        self.runs = {"tools": ("list_inputs", "mark_complete")} if name == "glassbox_read" else {}
        self.box = GlassBox(processes, postgres, name, model_port, MODEL)

    def measure(self, concurrency, rate):
        return self.box.measure(concurrency, max(concurrency * 4, round(rate * SECONDS)), STEPS, **self.runs)


def restate_server():
    found = TOOLS.glob("restate/node_modules/@restatedev/restate-server-*/bin/restate-server")
    return next(found, "")


def measured(system, model, concurrency, rate):
    """One measurement, with what the model used meanwhile."""
    before = bench.cpu_of([model.pid])
    result = system.measure(concurrency, rate)
    result["model"] = bench.cpu_of([model.pid]) - before
    took = sorted(result.pop("took"))
    at = lambda part: took[int((len(took) - 1) * part)] * 1000
    return {
        "rate": len(took) / result["seconds"],
        "p50": at(0.5),
        "p99": at(0.99),
        **{key: result[key] / result["steps"] * 1000 for key in ("cpu", "beside", "postgres", "model")},
        "log": result["log"] / result["steps"] / 1024,
        "written": result.get("written", 0) / result["steps"] / 1024,
        "memory": result["memory"],
    }


def print_tables(results):
    middle = {
        name: {n: {key: statistics.median(r[key] for r in rounds) for key in rounds[0]} for n, rounds in by.items()}
        for name, by in results.items()
    }
    print(f"\n{ROUNDS} rounds of {SECONDS:.0f} s, executions of {STEPS} steps.\n")
    sides = [f"at {n}" for n in CONCURRENCIES]
    print(f"| executions /s | {' | '.join(sides)} | p50, p99 ms {', '.join(sides)} |")
    print("|---" * (len(CONCURRENCIES) + 2) + "|")
    for name, by in middle.items():
        rates = " | ".join(f"{by[n]['rate']:,.1f}" for n in CONCURRENCIES)
        times = "; ".join(f"{by[n]['p50']:,.0f}, {by[n]['p99']:,.0f}" for n in CONCURRENCIES)
        print(f"| {SYSTEMS[name]} | {rates} | {times} |")
    costs = CONCURRENCIES[min(1, len(CONCURRENCIES) - 1)]
    print(f"\n| at {costs} | CPU s per 1,000 steps: worker | beside it | Postgres | model | memory MB | log KB a step |")
    print("|---|---|---|---|---|---|---|")
    for name, by in middle.items():
        m = by[costs]
        other = f" (own files {m['written']:.1f})" if m["written"] else ""
        print(
            f"| {SYSTEMS[name]} | {m['cpu']:.2f} | {m['beside']:.2f} | {m['postgres']:.2f} | {m['model']:.2f} "
            f"| {m['memory']:.0f} | {m['log']:.1f}{other} |"
        )
    ours, bare = middle.get("glassbox", {}).get(1), middle.get("bare", {}).get(1)
    if ours and bare:
        print(f"\nBeyond the bare loop, at 1: {(ours['p50'] - bare['p50']) / STEPS:.2f} ms a step.")


def start(processes):
    """Postgres and the model; the model's port."""
    # A checkpoint in the middle of a round would have whole pages logged, of whoever comes next.
    bench.SETTINGS += ["checkpoint_timeout=1h", "max_connections=300"]
    postgres = bench.Postgres(processes)
    port = bench.free_port()
    model = processes.start("model", [sys.executable, HERE / "model.py", str(port)])
    return postgres, model, port


def main():
    names = [name for name in SYSTEMS if name in os.environ.get("SYSTEMS", ",".join(SYSTEMS)).split(",")]
    processes = bench.Processes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    postgres = None
    try:
        postgres, model, port = start(processes)
        systems = {n: (Ours if n.startswith("glassbox") else Program)(processes, postgres, n, port) for n in names}
        results = {name: {n: [] for n in CONCURRENCIES} for name in names}
        for number in range(ROUNDS):
            for n in CONCURRENCIES:
                for name in names:
                    rounds = results[name][n]
                    found = measured(systems[name], model, n, rounds[-1]["rate"] if rounds else 20)
                    rounds.append(found)
                    bench.say(f"round {number + 1} of {ROUNDS}, {name} at {n}: {found['rate']:.1f} /s")
                    keep({"system": name, "concurrency": n, **found})
        print_tables(results)
    finally:
        processes.stop_all()
        if postgres:
            shutil.rmtree(postgres.folder, ignore_errors=True)


def keep(line):
    if path := os.environ.get("RESULTS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
