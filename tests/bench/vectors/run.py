#!/usr/bin/env python3
"""`make bench-vectors`: passages most like a vector, in organizations of every size.

For 384 and 1,536 dimensions: starts a private Postgres, loads 100,000 passages of 200
organizations, indexes as `glassbox index-vectors` does, and asks through the same function as
a search (`ask.rs`), as the application under row-level security and after that as a superuser
to whom no policy applies. The truth is numpy's. Prints Markdown tables and leaves nothing
running; `world.py` says what the vectors are like.

Environment: TOTAL (100000), DIMENSIONS (384,1536), QUESTIONS (60 a class), INDEX_FROM (1000),
LOCK (a file to hold while measuring).
"""

import contextlib
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import psycopg

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import bench  # noqa: E402
from world import MODEL, ORG, PROJECTS, THING, USER, World, name, project  # noqa: E402

ROOT = bench.ROOT
TOTAL = int(os.environ.get("TOTAL", 100_000))
DIMENSIONS = [int(text) for text in os.environ.get("DIMENSIONS", "384,1536").split(",")]
QUESTIONS = int(os.environ.get("QUESTIONS", 60))
INDEX_FROM = int(os.environ.get("INDEX_FROM", 1000))
BEST = 10


def program():
    """The newest build of ask.rs; cargo gives it a hash for a name."""
    if path := os.environ.get("ASK_BINARY"):
        return path
    built = [path for path in (ROOT / "target" / "release" / "deps").glob("vectors-*") if path.suffix == ""]
    return max(built, key=lambda path: path.stat().st_mtime)


@contextlib.contextmanager
def quiet():
    """Alone on the machine, where its users agreed on a file."""
    if not (path := os.environ.get("LOCK")):
        yield
        return
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def classes(sizes):
    """Organizations by their share of all passages."""
    bounds = [(0.0001, 0.0001), (0.0001, 0.001), (0.001, 0.009), (0.009, 0.02), (0.02, 0.06), (0.06, 0.2), (0.2, 1.0)]
    for low, high in bounds:
        share = sizes / sizes.sum()
        orgs = np.flatnonzero((share > low if low < high else share >= low * 0.99) & (share <= high * 1.001))
        if len(orgs):
            span = (sizes[orgs].min(), sizes[orgs].max())
            yield f"{span[0]:,}" if span[0] == span[1] else f"{span[0]:,}–{span[1]:,}", orgs


def ask(url, questions, most=BEST):
    lines = "\n".join(json.dumps(question) for question in questions)
    command = [program(), "--url", url, "ask", "--user", str(name(USER, 0)), "--model", MODEL, "--most", str(most)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_class(questions, truths, answers):
    """Of each class: mean recall, percentiles in milliseconds, the share that an index answered."""
    found = {}
    for question, truth, answer in zip(questions, truths, answers, strict=True):
        recall = len(truth & set(answer["ids"][:BEST])) / len(truth)
        found.setdefault(question["class"], []).append((recall, answer["micros"] / 1000, answer["byIndex"]))
    for title, rows in found.items():
        recall, took, by_index = (np.array(column, float) for column in zip(*rows))
        yield title, recall.mean(), np.percentile(took, 50), np.percentile(took, 95), by_index.mean()


def table(title, heads, rows):
    print(f"\n{title}\n\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def figures(recall, p50, p95, _):
    return f"{recall:.3f}", f"{p50:.1f}", f"{p95:.1f}"


def measure(world, postgres, database):
    rng = np.random.default_rng(5)
    questions, truths = [], []
    for title, orgs in classes(world.sizes):
        chosen = rng.choice(orgs, QUESTIONS)
        for org, vector in zip(chosen, world.make(chosen, rng), strict=True):
            questions.append({"class": title, "org": str(name(ORG, int(org))), "vector": [float(x) for x in vector]})
            truths.append(world.nearest(org, vector, BEST))
    secured, open_ = postgres.url("glassbox_app", database), postgres.url("postgres", database)
    with quiet():
        with_rules = list(by_class(questions, truths, ask(secured, questions)))
        without = list(by_class(questions, truths, ask(open_, questions)))
        deep = list(by_class(questions, truths, ask(secured, questions, 500)))
    rows = []
    for a, b, c in zip(with_rules, without, deep, strict=True):
        plan = "index" if a[4] == 1 else "all compared" if a[4] == 0 else f"index for {a[4]:.0%}"
        rows.append([a[0], plan, *figures(*a[1:]), *figures(*b[1:])[1:], *figures(*c[1:])])
    heads = ["passages", "plan", "recall@10", "p50 ms", "p95 ms", "p50 without", "p95 without", "recall@10 of 500", "p50", "p95"]
    table(f"{world.dimensions:,} dimensions, the ten best; without security; the 500 best", heads, rows)
    narrowed(world, secured)


def narrowed(world, url):
    """Questions to a part of the largest organization: the answers must be full all the same."""
    rng = np.random.default_rng(6)
    thing = np.zeros(len(world.org_of), int)
    seen = np.zeros(len(world.sizes), int)
    for row, org in enumerate(world.org_of):
        thing[row], seen[org] = seen[org] // THING, seen[org] + 1
    numbers = np.array([world.project_of(n) for n in range(int(thing.max()) + 1)])
    questions, truths, parts = [], [], {}
    for number in (0, PROJECTS // 4, PROJECTS - 1):
        inside = lambda rows, number=number: (numbers[thing[rows]] == number) & (thing[rows] % 10 < 7)  # noqa: E731
        rows = np.flatnonzero(world.org_of == 0)
        title = f"{inside(rows).sum():,} of {world.sizes[0]:,}"
        parts[title] = 0
        for vector in world.make(np.zeros(QUESTIONS // 2, int), rng):
            ids = {"org": str(name(ORG, 0)), "projects": [str(project(0, number))]}
            questions.append({"class": title, **ids, "vector": [float(x) for x in vector]})
            truths.append(world.nearest(0, vector, BEST, inside))
    with quiet():
        answers = ask(url, questions)
    for question, answer in zip(questions, answers, strict=True):
        parts[question["class"]] += len(answer["ids"]) == BEST
    rows = [[one[0], f"{parts[one[0]]} of {QUESTIONS // 2}", *figures(*one[1:])] for one in by_class(questions, truths, answers)]
    heads = ["passages in the project", "full answers", "recall@10", "p50 ms", "p95 ms"]
    table(f"{world.dimensions:,} dimensions, one project of the largest organization", heads, rows)


def prepare(postgres, dimensions):
    database = f"vectors{dimensions}"
    postgres.psql("postgres", "-c", f"create database {database} owner glassbox_owner")
    postgres.psql(database, "-c", "create extension vector")
    owner = postgres.url("glassbox_owner", database)
    subprocess.run([program(), "--url", owner, "migrate"], check=True)
    bench.say(f"{TOTAL:,} vectors of {dimensions:,} dimensions")
    world = World(dimensions, TOTAL)
    with psycopg.connect(postgres.url("postgres", database)) as connection:
        world.load(connection)
    bench.say("the indexes")
    begun = time.monotonic()
    done = subprocess.run([program(), "--url", owner, "index", "--from", str(INDEX_FROM)], check=True, capture_output=True, text=True)
    took = time.monotonic() - begun
    with psycopg.connect(postgres.url("postgres", database)) as connection:
        sizes = connection.execute(
            "select pg_size_pretty(sum(pg_relation_size(c.oid)) filter (where relkind = 'r')), "
            "pg_size_pretty(sum(pg_relation_size(c.oid)) filter (where relname like 'near%')) "
            "from pg_class c where relnamespace = 'vectors'::regnamespace"
        ).fetchone()
    made = len(done.stdout.splitlines())
    print(f"\n{dimensions:,} dimensions: {made} indexes made in {took:.0f} s; the vectors take {sizes[0]}, the indexes {sizes[1]}.")
    return world, database


def main():
    bench.SETTINGS = ["shared_buffers=4GB", "max_wal_size=8GB", "jit=off"]
    processes = bench.Processes()
    try:
        postgres = bench.Postgres(processes)
        for dimensions in DIMENSIONS:
            world, database = prepare(postgres, dimensions)
            measure(world, postgres, database)
    finally:
        processes.stop_all()
        bench.shutil.rmtree(postgres.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
