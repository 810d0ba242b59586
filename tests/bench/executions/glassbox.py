"""GlassBox as a system of the benchmark: `serve`, one `agent-worker`, and runs started over HTTP.

Nodes are made and runs are started while no worker lives; then one is started with as many
hands as executions are to go side by side, and works them off. So the API's cost stands apart,
and rate and times are the journal's own: from a run's lease to its last commit.
"""

import concurrent.futures
import http.client
import json
import pathlib
import sys
import threading
import time

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

STARTERS = 8
# What `serve` and the worker may hold each; the other systems have as many.
POOL = 40
PRICES = """
version = "bench"

[[price]]
model = "{model}"
effective_from = "2020-01-01"
input = 1_000_000
output = 1_000_000
"""
BUDGET = {"monthlyUsd": 900_000_000, "monthlyTokens": 10**15, "perExecutionTokens": 10**12, "perExecutionUsd": 900_000}
ENDED = "('complete', 'failed', 'cancelled')"


class Client:
    """The API over connections that stay open, one for each thread."""

    def __init__(self, port):
        self.port, self.token, self.local = port, None, threading.local()

    def call(self, method, path, body=None):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path} answered {response.status}: {text[:500]!r}")
        return json.loads(text) if text else None


class GlassBox:
    """A database of its own, `serve` upon it, and an organization with a budget."""

    def __init__(self, processes, postgres, database, model_port, model):
        self.processes, self.postgres, self.database, self.model = processes, postgres, database, f"openai/{model}"
        self.create()
        self.folder = postgres.folder / database
        self.folder.mkdir()
        prices = self.folder / "prices.toml"
        prices.write_text(PRICES.format(model=self.model), encoding="utf-8")
        port = bench.free_port()
        self.settings = bench.environment(postgres, database, port) | {
            "GLASSBOX_DATABASE__MAX_CONNECTIONS": str(POOL),
            "GLASSBOX_STORAGE__FOLDER": str(self.folder / "blobs"),
            "GLASSBOX_LIMITS__ENABLED": "false",
            "GLASSBOX_MODELS__OPENAI_API_KEY": "none",
            "GLASSBOX_MODELS__OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
            "GLASSBOX_MODELS__PRICES_FILE": str(prices),
            # Room for the long runs; a limit that is not reached costs what one that is costs.
            "GLASSBOX_AGENT__MAX_ITERATIONS": "10000",
            "GLASSBOX_AGENT__MAX_TOKENS": str(10**12),
        }
        self.serve = self.process("serve", self.settings)
        self.client = Client(port)
        self.sql = psycopg.connect(postgres.url("postgres", database), autocommit=True)
        self.sign_in(port)

    def create(self):
        self.postgres.psql("postgres", "-c", f"create database {self.database} owner glassbox_owner")
        self.postgres.psql(self.database, "-c", "create extension vector")
        settings = bench.environment(self.postgres, self.database, 0)
        bench.subprocess.run([bench.BINARY, "--env", "dev", "migrate"], check=True, env=settings, stdout=bench.subprocess.DEVNULL)

    def sign_in(self, port):
        for _ in range(200):
            with bench.socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        token = self.client.call("POST", "/auth/dev-token", {"userId": self.database, "email": "bench@example.org"})
        self.client.token = token["token"]
        org = {"name": "Bench", "slug": self.database.replace("_", "-"), "settings": {"budget": BUDGET}}
        org = self.client.call("POST", "/orgs", org)
        project = self.client.call("POST", f"/orgs/{org['id']}/projects", {"name": "Bench"})
        self.project = project["id"]

    def start_runs(self, count, tools=("add_output", "mark_complete"), model=None):
        """Makes nodes and starts a run on each; answers the seconds each start took by itself."""
        body = {"model": model or self.model, "config": {"tools": list(tools), "maxTokens": 1000}}

        def make(n):
            node = {"title": f"Inspect pier {n}", "description": "Look at the concrete."}
            return self.client.call("POST", f"/projects/{self.project}/nodes", node)["id"]

        def start(node):
            return self.client.call("POST", f"/nodes/{node}/execute", body)

        with concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
            nodes = list(pool.map(make, range(count)))
            before, begun = bench.cpu_of([self.serve.pid]), time.perf_counter()
            list(pool.map(start, nodes))
        self.start_cost = (bench.cpu_of([self.serve.pid]) - before) / count * 1000, count / (time.perf_counter() - begun)
        self.drained()

    def worker(self, concurrency):
        settings = self.settings | {"GLASSBOX_AGENT__CONCURRENCY": str(concurrency)}
        return self.process("agent-worker", settings)

    def process(self, role, settings):
        command = [bench.BINARY, "--env", "dev", role]
        return self.processes.start(f"{self.database}-{role}", command, env=settings, cwd=self.folder)

    def one(self, statement, *values):
        return self.sql.execute(statement, values).fetchone()[0]

    def until(self, statement, seconds=300):
        """Waits until a count is zero."""
        for _ in range(seconds * 5):
            if not self.one(statement):
                return
            time.sleep(0.2)
        raise SystemExit(f"still not zero after {seconds} s: {statement}")

    def drained(self):
        """Waits until everything written was told."""
        self.until("select count(*) from outbox where published_at is null")

    def ended(self):
        self.until(f"select count(*) from agent_executions where status not in {ENDED}")
        self.drained()

    def measure(self, concurrency, count, steps, **runs):
        """`count` runs by one worker with so many hands."""
        self.start_runs(count, **runs)
        since = self.one("select now()")
        meter, serve = Meter(self.postgres, self.sql), bench.cpu_of([self.serve.pid])
        worker = self.worker(concurrency)
        self.ended()
        used = meter.read()
        cpu, memory = bench.cpu_of([worker.pid]), peak(worker.pid)
        serve = bench.cpu_of([self.serve.pid]) - serve
        self.processes.stop(worker)
        rows = self.sql.execute(
            "select extract(epoch from started_at)::float8, extract(epoch from completed_at)::float8, status, error_message"
            " from agent_executions where started_at >= %s",
            (since,),
        ).fetchall()
        failed = [row for row in rows if row[2] != "complete"]
        if failed or len(rows) != count:
            raise SystemExit(f"{len(failed)} of {len(rows)} runs failed: {failed[:1]}")
        seconds = max(row[1] for row in rows) - min(row[0] for row in rows)
        took = [row[1] - row[0] for row in rows]
        return used | {"took": took, "seconds": seconds, "cpu": cpu, "beside": serve, "memory": memory, "steps": count * steps}


class Meter:
    """What Postgres did since: processor seconds, bytes of its log, transactions."""

    def __init__(self, postgres, sql):
        self.pid, self.sql = postgres.process.pid, sql
        self.before = self.now()

    def now(self):
        lsn = self.sql.execute("select (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8").fetchone()[0]
        return bench.cpu_of(bench.family(self.pid)) + bench.reaped(self.pid), lsn

    def read(self):
        cpu, lsn = self.now()
        return {"postgres": cpu - self.before[0], "log": lsn - self.before[1]}


def peak(pid):
    """The most memory that a process had, in MB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
