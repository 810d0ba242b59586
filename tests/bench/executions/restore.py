#!/usr/bin/env python3
"""`make restore-drill`: a backup, an accident, and the way back, timed.

A private Postgres that keeps its log of changes, a workspace of NODES nodes, and runs of agents.
A base backup and a dump are taken while nobody writes; then, in the middle of more runs, the
project is deleted. The database is restored to the moment before that, `doctor` looks at it, and
`serve` and a worker go on there: every run must end well. The dump is restored beside it and
looked at, too. Ends with an error where anything is missing.

Environment: NODES (50000), RUNS (200).
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import psycopg
from glassbox import GlassBox, bench
from run import start

NODES = int(os.environ.get("NODES", 50_000))
RUNS = int(os.environ.get("RUNS", 200))
MODEL = "steps-10-size-1000-delay-1"
COUNTS = """
select (select count(*) from projects), (select count(*) from agent_trace_events),
    (select count(*) from agent_executions where status = 'complete')
"""


class Restored(GlassBox):
    """The program upon a database that was restored; nothing is made there."""

    def __init__(self, box, postgres, database):
        self.processes, self.postgres, self.database = box.processes, postgres, database
        self.folder, self.client = box.folder, box.client
        self.settings = box.settings | {
            "GLASSBOX_DATABASE__URL": postgres.url("glassbox_app", database),
            "GLASSBOX_DATABASE__OWNER_URL": postgres.url("glassbox_owner", database),
        }
        self.sql = psycopg.connect(postgres.url("postgres", database), autocommit=True)

    def glassbox(self, *arguments):
        command = [bench.BINARY, "--env", "dev", *arguments]
        done = subprocess.run(command, env=self.settings, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")


class Cluster:
    """A Postgres upon a folder that is there already."""

    def __init__(self, processes, data, account, folder):
        self.folder, self.port = folder, bench.free_port()
        # Recovery wants as many connections as there were. What is restored is not archived.
        settings = [*bench.SETTINGS, "archive_mode=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        command = [bench.PG / "postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", folder, *options]
        self.process = processes.start("restored", command, cwd=folder, **account)

    url = bench.Postgres.url


class Clock:
    """Steps and how long each took."""

    def __init__(self):
        self.lines = []

    def time(self, what, work):
        bench.say(what)
        begun = time.perf_counter()
        answer = work()
        self.lines.append((what, time.perf_counter() - begun))
        return answer

    def print(self):
        print("| step | s |\n|---|---|")
        for what, took in self.lines:
            print(f"| {what} | {took:.1f} |")


def until(holds, what, seconds=300):
    for _ in range(seconds * 20):
        if holds():
            return
        time.sleep(0.05)
    raise SystemExit(f"not within {seconds} s: {what}")


def archived(sql, archive):
    """Waits until the log of all that was committed is kept."""
    last = sql.execute("select pg_walfile_name(pg_switch_wal())").fetchone()[0]
    until(lambda: (archive / last).exists(), "the log was kept")


def recover(data, archive, moment):
    settings = {
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_time": moment,
        "recovery_target_action": "promote",
    }
    with open(data / "postgresql.auto.conf", "a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (data / "recovery.signal").touch()


def is_open(cluster, database):
    if cluster.process.poll() is not None:
        raise SystemExit("the restored Postgres ended; its log says why")
    try:
        with psycopg.connect(cluster.url("postgres", database), autocommit=True) as sql:
            return not sql.execute("select pg_is_in_recovery()").fetchone()[0]
    except psycopg.OperationalError:
        return False


def drill(processes, archive, kept):
    clock = Clock()
    postgres, _, port = start(processes)
    kept.append(postgres.folder)
    as_postgres = {"cwd": postgres.folder, "check": True, **postgres.account}
    here = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
    base, dump = postgres.folder / "base", postgres.folder / "dump"
    box = GlassBox(processes, postgres, "workspace", port, MODEL)
    postgres.psql("workspace", "-v", f"nodes={NODES}", "-f", bench.HERE / "sql" / "seed.sql")
    box.start_runs(RUNS)
    worker = box.worker(8)
    box.ended()
    processes.stop(worker)
    size = box.one("select pg_database_size('workspace')")

    clock.time("base backup", lambda: subprocess.run([bench.PG / "pg_basebackup", "-D", base, "-c", "fast", *here], **as_postgres))
    clock.time("dump", lambda: subprocess.run([bench.PG / "pg_dump", "-Fd", "-j2", "-f", dump, *here, "workspace"], **as_postgres))
    dumped = box.sql.execute(COUNTS).fetchone()

    # In the middle of more runs, somebody deletes the project.
    box.start_runs(RUNS)
    worker = box.worker(8)
    until(lambda: box.one("select count(*) from agent_executions where status = 'complete'") > RUNS * 1.2, "runs were under way")
    before = box.sql.execute(COUNTS).fetchone()
    moment = box.one("select clock_timestamp()::text")
    time.sleep(0.2)
    box.client.call("DELETE", f"/projects/{box.project}")
    if box.one("select count(*) from projects") != before[0] - 1:
        raise SystemExit("the project was not deleted")
    archived(box.sql, archive)
    processes.stop(worker)
    processes.stop(box.serve)

    data = postgres.folder / "restored"
    clock.time("copy of the base backup", lambda: subprocess.run(["cp", "-a", base, data], **as_postgres))
    recover(data, archive, moment)

    def recovered():
        cluster = Cluster(processes, data, postgres.account, postgres.folder)
        until(lambda: is_open(cluster, "workspace"), "the database was restored")
        return cluster

    cluster = clock.time("recovery to the moment before the accident", recovered)
    restored = Restored(box, cluster, "workspace")
    found = restored.sql.execute(COUNTS).fetchone()
    if found[0] != before[0] or found[1] < before[1] or found[2] < before[2]:
        raise SystemExit(f"{found} was restored, and there was {before}")
    if found[2] == 2 * RUNS:
        raise SystemExit("no run was under way; more RUNS are needed")
    clock.time("glassbox migrate", lambda: restored.glassbox("migrate"))
    clock.time("glassbox doctor --all", lambda: restored.glassbox("doctor", "--all"))

    def goes_on():
        serve, worker = restored.process("serve", restored.settings), restored.worker(8)
        restored.ended()
        processes.stop(worker)
        processes.stop(serve)

    clock.time("the runs that were under way, to their ends", goes_on)
    ended = restored.one("select count(*) from agent_executions where status = 'complete'")
    if ended != 2 * RUNS:
        raise SystemExit(f"{ended} of {2 * RUNS} runs ended well")
    restored.glassbox("doctor", "--all")

    # As owner of a new database, as the roles of the cluster are there.
    admin = psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True)
    admin.execute("create database dumped owner glassbox_owner")
    there = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres", "-d", "dumped"]
    clock.time("restore of the dump", lambda: subprocess.run([bench.PG / "pg_restore", "-j2", *there, dump], **as_postgres))
    from_dump = Restored(box, cluster, "dumped")
    if from_dump.sql.execute(COUNTS).fetchone() != dumped:
        raise SystemExit("the dump has not what was there")
    clock.time("glassbox doctor --all, on the dump", lambda: from_dump.glassbox("doctor", "--all"))

    print(f"\n{NODES:,} nodes, {2 * RUNS:,} runs; the database had {size / 2**20:,.0f} MB at the backup.\n")
    clock.print()


def main():
    processes, kept = bench.Processes(), []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    archive = pathlib.Path(tempfile.mkdtemp(prefix="glassbox-archive-", dir="/var/tmp"))
    kept.append(archive)
    if os.geteuid() == 0:
        os.chown(archive, 65534, 65534)
    bench.SETTINGS += ["archive_mode=on", f"archive_command=test ! -f {archive}/%f && cp %p {archive}/%f"]
    try:
        drill(processes, archive, kept)
    finally:
        processes.stop_all()
        for folder in kept:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
