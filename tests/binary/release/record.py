"""`make record-release`: writes down what a release says to its database, and what it leaves there.

    python3 tests/binary/release/record.py <glassbox> <log of Postgres>

The log is that of the tests over HTTP with LOG_STATEMENTS set. From it comes
statements.json, every statement that the release's program prepares; from a `glassbox dev` whose
demo job is done, workspace.sql, the whole database. The next versions are held to both by
`mod.rs`. Run it when a release is made, on its commit, and commit what it writes with the next.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PG = pathlib.Path(os.environ.get("GLASSBOX_PG_BIN") or ROOT / ".tools" / "postgres" / "bin")
# What the log calls a prepared statement, said by the application's role.
EXECUTED = re.compile(r"^glassbox_app LOG:  execute [^:]*: (.*)$", re.DOTALL)
# Written into a few statements, for the planner's sake; one of them stands for all.
UUID = re.compile(r"'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'")
NOBODY = "'00000000-0000-0000-0000-000000000000'"
# Nothing of the demo job is under way, and news and passages are where they belong.
SETTLED = """
select not exists (select from agent_executions where status not in ('complete', 'failed'))
    and exists (select from agent_executions)
    and not exists (select from outbox where published_at is null)
    and not exists (select from files where processing_status <> 'complete')
    and not exists (select from jobs)
    and exists (select from chunks)
"""


def records(log):
    """The log's records: a line, and the indented ones that go on with it."""
    record = ""
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("\t"):
                record += line[1:]
                continue
            yield record.rstrip("\n")
            record = line
    yield record.rstrip("\n")


def prepared(log):
    matches = (EXECUTED.match(record) for record in records(log))
    return sorted({UUID.sub(NOBODY, match.group(1)) for match in matches if match})


class Workspace:
    """`glassbox dev` on a folder that is thrown away."""

    def __init__(self, program, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [program, "--env", "dev", "dev", "--data-dir", folder, "--port", str(port)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "Ctrl-C" in line:
                break
        pid = next(pathlib.Path(folder).rglob("postmaster.pid")).read_text(encoding="utf-8").splitlines()
        self.address = ["-h", pid[4], "-p", pid[3], "-U", "postgres", "-d", "glassbox"]

    def run(self, program, *arguments, text=None):
        command = [PG / program, *self.address, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{program}: {done.stderr}")
        return done.stdout

    def settle(self):
        for _ in range(600):
            if self.run("psql", "-Atc", SETTLED).strip() == "t":
                return
            time.sleep(0.1)
        raise SystemExit("the demo job does not end")

    def dump(self):
        """The database as statements alone, without what psql or one version of Postgres would
        have to be asked for, and without vectors, which are made again from the passages."""
        text = self.run("pg_dump", "--inserts", "--rows-per-insert=100", "--exclude-table-data=vectors.*")
        left_out = ("--", "\\", "SET transaction_timeout")
        kept = (line for line in text.splitlines() if not line.startswith(left_out))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"

    def understands(self, statement):
        script = f"set role glassbox_app;\nprepare one as {statement};\n"
        command = [PG / "psql", *self.address, "-q", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(command, input=script, capture_output=True, text=True, check=False).returncode == 0

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()


def main(program, log):
    candidates = prepared(log)
    if not candidates:
        raise SystemExit(f"{log} tells of no prepared statement")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(program, folder)
        try:
            workspace.settle()
            dump = workspace.dump()
            # Without the types that the program gives, a few can't be prepared.
            known = [statement for statement in candidates if workspace.understands(statement)]
            newest = workspace.run("psql", "-Atc", "select max(version) from __diesel_schema_migrations").strip()
        finally:
            workspace.stop()
    release = {"newestMigration": newest, "statements": known}
    (HERE / "statements.json").write_text(json.dumps(release, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (HERE / "workspace.sql").write_text(dump, encoding="utf-8")
    print(f"{len(known)} of {len(candidates)} statements, {len(dump) >> 10} KiB of workspace, up to {newest}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])
