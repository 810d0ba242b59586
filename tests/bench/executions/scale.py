#!/usr/bin/env python3
"""What is measured of GlassBox alone: long runs, bytes, waiting, idling.

* A run of so many steps: the time of its last steps beside that of its tenth.
* What a step of 1 KB leaves in the database, tables and indexes.
* Executions that wait for a person: what they cost a worker, in memory and in queries.
* Executions that wait for a slow model in one worker: its memory.
* An idle worker: queries a second.

Environment: LONG (1000 steps), WAITING (10000), SLOW (1000), ONLY (names of measures with commas
between: long, bytes, waiting, slow, idle).
"""

import os
import shutil
import signal
import statistics
import sys
import time

from glassbox import GlassBox, bench, peak
from run import start

LONG = int(os.environ.get("LONG", 1000))
WAITING = int(os.environ.get("WAITING", 10_000))
SLOW = int(os.environ.get("SLOW", 1000))
# How many steps the medians at both ends of a long run are of.
WINDOW = 20
IDLE_SECONDS = 30
SETTLE = 12
SIZES = """
select relname, pg_total_relation_size(c.oid)::float8 from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and relkind = 'r' and relname not in ('outbox', 'jobs')
"""


def model(steps, size=100, delay=1):
    return f"openai/steps-{steps}-size-{size}-delay-{delay}"


def long(box):
    """One run of many steps, once with a tool that reads and once with one that writes."""
    for tool in ("list_inputs", "add_output"):
        box.start_runs(1, (tool, "mark_complete"), model(LONG))
        began = time.perf_counter()
        worker = box.worker(1)
        box.ended()
        took = time.perf_counter() - began
        memory = peak(worker.pid)
        box.processes.stop(worker)
        stamps = box.sql.execute(
            "select extract(epoch from occurred_at)::float8 from agent_trace_events where event_type = 'llm_call' and"
            " execution_id = (select id from agent_executions order by created_at desc limit 1) order by sequence_number"
        ).fetchall()
        steps = [(after[0] - before[0]) * 1000 for before, after in zip(stamps, stamps[1:])]
        first, last = (statistics.median(steps[at : at + WINDOW]) for at in (10, len(steps) - WINDOW))
        print(
            f"| a run of {LONG:,} steps of `{tool}` | steps 10 to {10 + WINDOW}: {first:.1f} ms; "
            f"the last {WINDOW}: {last:.1f} ms, × {last / first:.2f}; {took:.0f} s in all; worker {memory:.0f} MB |",
            flush=True,
        )


def sizes(box):
    """Tables with their indexes, without what is swept."""
    box.sql.execute("vacuum full")
    return dict(box.sql.execute(SIZES).fetchall())


def bytes_kept(box):
    """What stays of steps of 1 KB, by the size of the tables before and after."""
    runs, steps = 100, 10
    for tool, said in (("add_output", " of 1,000 characters"), ("list_inputs", "")):
        before = sizes(box)
        box.measure(8, runs, steps, tools=(tool, "mark_complete"), model=model(steps, 1000))
        after = sizes(box)
        grown = {name: (size - before[name]) / runs / steps / 1024 for name, size in after.items()}
        most = sorted(((size, name) for name, size in grown.items() if size >= 0.05), reverse=True)
        parts = ", ".join(f"{name} {size:.1f}" for size, name in most)
        print(f"| kept of a step of `{tool}`{said} | {sum(grown.values()):.1f} KB with indexes: {parts} |", flush=True)


def queries(box, seconds):
    """Transactions a second in the database, without our own."""
    # An idle backend says within ten seconds what it did before.
    time.sleep(SETTLE)
    count = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
    before = box.one(count)
    time.sleep(seconds)
    # One of ours: the first look; the second is counted after it.
    return (box.one(count) - before - 1) / seconds


def idle(box):
    """The database's transactions with `serve` alone, and with a worker beside it."""
    alone = queries(box, IDLE_SECONDS)
    told = []
    for hands in (4, 32):
        worker = box.worker(hands)
        used = bench.cpu_of([worker.pid])
        both = queries(box, IDLE_SECONDS)
        used = bench.cpu_of([worker.pid]) - used
        part = used / (SETTLE + IDLE_SECONDS)
        told.append(f"worker of {hands}: {both - alone:.2f} transactions a second, {part:.2%} of a core")
        box.processes.stop(worker)
    print(f"| idle | {'; '.join(told)}; `serve`: {alone:.2f} |", flush=True)


def waiting(box):
    """Runs that asked a person."""
    begun = time.perf_counter()
    box.start_runs(WAITING, ("request_human_input",), model(1))
    started = time.perf_counter() - begun
    worker = box.worker(32)
    begun = time.perf_counter()
    box.until("select count(*) from agent_executions where status in ('pending', 'running')", 1800)
    asked = time.perf_counter() - begun
    box.drained()
    box.processes.stop(worker)
    waits = box.one("select count(*) from agent_executions where status = 'awaiting_input'")
    held = box.one("select count(*) from agent_executions where status = 'awaiting_input' and lease_worker is not null")
    alone = queries(box, IDLE_SECONDS)
    worker = box.worker(32)
    both, memory = queries(box, IDLE_SECONDS), bench.memory_of([worker.pid])
    print(
        f"| {waits:,} runs that wait for a person | {held} hold a lease; a worker beside them: {memory:.0f} MB, "
        f"{both - alone:.2f} transactions a second (made and started in {started:.0f} s, asked in {asked:.0f} s) |",
        flush=True,
    )
    box.processes.stop(worker)


def slow(box):
    """Runs in one worker whose model takes 40 seconds."""
    box.start_runs(SLOW, ("add_output", "mark_complete"), model(1, delay=40_000))
    worker = box.worker(SLOW)
    running = f"select {SLOW} - count(*) from agent_executions where status = 'running'"
    begun = time.perf_counter()
    box.until(running, 60)
    took = time.perf_counter() - begun
    rate = queries(box, 10)
    memory = bench.memory_of([worker.pid])
    box.ended()
    print(
        f"| {SLOW:,} runs that wait for a slow model in one worker | {memory:.0f} MB, at most {peak(worker.pid):.0f} MB; "
        f"{rate:.0f} transactions a second meanwhile; all had asked after {took:.0f} s |",
        flush=True,
    )
    box.processes.stop(worker)


MEASURES = {"idle": idle, "long": long, "bytes": bytes_kept, "slow": slow, "waiting": waiting}


def main():
    names = os.environ.get("ONLY", ",".join(MEASURES)).split(",")
    processes = bench.Processes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    postgres = None
    try:
        postgres, _, port = start(processes)
        print("\n| GlassBox alone | |\n|---|---|", flush=True)
        for name in names:
            # A database for each, so that none sees another's runs.
            box = GlassBox(processes, postgres, f"scale_{name}", port, "steps-10-size-100-delay-1")
            MEASURES[name](box)
            processes.stop(box.serve)
    finally:
        processes.stop_all()
        if postgres:
            shutil.rmtree(postgres.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
