#!/usr/bin/env python3
"""`make bench-live`: events to many sockets, beside a bare `ws` server and Socket.IO.

Starts a private, durable Postgres, a Redis, and each server, measures in short rounds in
turn, prints Markdown tables and leaves nothing running. README.md beside `bench.py` says how to read
them. The clients are `tests/bench/live.rs`.

Environment: ROUNDS (3), SECONDS_PER_ROUND (4), SOCKETS (500,1000,2000,5000), IDLE (2000,20000; a server
has at most as many as it may open files), ONLY (fanout, latency, idle, subscribes, with commas between), SYSTEMS (`before` is
another build of ours, GLASSBOX_BEFORE), PACE (`live.pace_milliseconds`).
"""

import collections
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import bench  # noqa: E402

TOOLS = bench.TOOLS / "bench-live"
ROUNDS = int(os.environ.get("ROUNDS", 3))
SECONDS = float(os.environ.get("SECONDS_PER_ROUND", 4))
SOCKETS = [int(n) for n in os.environ.get("SOCKETS", "500,1000,2000,5000").split(",")]
IDLE = [int(n) for n in os.environ.get("IDLE", "2000,20000").split(",")]
# Files of a server that are no idle connections: the database's, the runtime's, what is just coming.
OTHER_FILES = 100
# Idle sockets of one process of clients.
EACH_PROCESS = 5000
ONLY = os.environ.get("ONLY", "fanout,latency,idle,subscribes").split(",")
SYSTEMS = os.environ.get("SYSTEMS", "GlassBox,ws,Socket.IO").split(",")
# Events a second of which each contestant delivers so many thousand: well below what any of
# them can, so that the time an event takes is not the time that it waits.
PACED = 20_000
# Events under way at once when as many are told as can be.
WINDOW = 32
PROJECTS = 50
# As `seed.sql` lays them out.
NODES = 10_000
NODES_EACH = NODES // 100 + 1
REDIS = bench.TOOLS / "redis"


def node(number):
    return f"0192a000-0000-7000-8000-{number:012x}"


def project(number):
    return f"0192a000-0000-7000-8001-{number:012x}"


def nodes_of(project_number):
    return [node(NODES_EACH * (project_number - 1) + n) for n in range(1, NODES_EACH)]


def clients():
    """The program of the clients, as `cargo build --bench live` names it."""
    if "GLASSBOX_BENCH_CLIENTS" in os.environ:
        return os.environ["GLASSBOX_BENCH_CLIENTS"]
    found = [p for p in (bench.ROOT / "target" / "release" / "deps").glob("live-*") if p.suffix == ""]
    if not found:
        raise SystemExit("cargo build --release --bench live comes first")
    return max(found, key=lambda p: p.stat().st_mtime)


def command_of_clients(kind, mode, **options):
    command = [clients(), "--kind", kind, "--mode", mode]
    for name, value in options.items():
        if value not in (None, "", []):
            value = ",".join(value) if isinstance(value, list) else str(value)
            command += [f"--{name}", value]
    return command


def run_clients(kind, mode, servers, **options):
    """One measurement by the program of the clients."""
    command = command_of_clients(kind, mode, **options)
    if servers:
        command += ["--pid", ",".join(f"server:{pid}" for pid in servers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))[:300]}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def wait_for(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


class NodeServer:
    """A server on Node.js."""

    def __init__(self, name, processes):
        self.kind = {"ws": "ws", "Socket.IO": "socketio"}[name]
        self.processes = processes
        self.port, self.door = bench.free_port(), bench.free_port()
        settings = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "PUBLISH": str(self.door),
            "NODE_ENV": "production",
            "NODE_PATH": str(TOOLS / "node" / "node_modules"),
        }
        self.process = processes.start(self.kind, ["node", HERE / "node" / f"{self.kind}.js"], env=settings)
        wait_for(self.port)
        wait_for(self.door)

    def measure(self, mode, sockets, rate=0, **options):
        return run_clients(
            self.kind, mode, [self.process.pid], address=f"127.0.0.1:{self.port}", publish=f"127.0.0.1:{self.door}",
            sockets=sockets, rate=rate, publishers=1, window=WINDOW, **options,
        )  # fmt: skip

    @property
    def pids(self):
        return [self.process.pid]

    def idle(self, sockets, source):
        return command_of_clients(self.kind, "idle", address=f"127.0.0.1:{self.port}", sockets=sockets, source=source, seconds=0)

    def tell(self):
        """One event for all; answers what part of them hears it."""
        with socket.create_connection(("127.0.0.1", self.door)) as door:
            door.sendall(b"@@" + b"0" * 254 + b"\n")
        return 1

    def is_ready(self):
        return "-"

    def stop(self):
        self.processes.stop(self.process)


class GlassBox:
    """One `glassbox serve`, or several that share a Redis."""

    def __init__(self, processes, postgres, instances=1, binary=bench.BINARY):
        self.processes, self.redis = processes, None
        ports = [bench.free_port() for _ in range(instances)]
        extra = {
            "GLASSBOX_LIVE__CONNECTIONS_PER_USER": "100000",
            "GLASSBOX_LIVE__MESSAGES_PER_SECOND": "10000",
            "GLASSBOX_LIVE__SUBSCRIPTIONS": "10000",
            # Clients answer pings only once all of them are open.
            "GLASSBOX_LIVE__SILENCE_SECONDS": "600",
        }
        if "PACE" in os.environ:
            extra["GLASSBOX_LIVE__PACE_MILLISECONDS"] = os.environ["PACE"]
        if instances > 1:
            extra["GLASSBOX_BUS__REDIS_URL"] = self.start_redis()
        self.all = []
        for port in ports:
            settings = {**bench.environment(postgres, "live", port), **extra}
            process = processes.start(f"live-{port}", [binary, "--env", "dev", "serve"], env=settings, cwd=postgres.folder)
            self.all.append(process)
        for port in ports:
            wait_for(port)
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        self.port = ports[0]
        self.token = bench.Served.dev_token(self)
        self.pids = [process.pid for process in self.all]
        self.postgres = postgres

    def start_redis(self):
        port = bench.free_port()
        program = next(REDIS.glob("**/bin/redis-server"))
        library = os.pathsep.join(str(p) for p in REDIS.glob("**/lib/*-linux-gnu"))
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.redis = self.processes.start("live-redis", command, env={**os.environ, "LD_LIBRARY_PATH": library})
        wait_for(port)
        return f"redis://127.0.0.1:{port}"

    def measure(self, mode, sockets, rate=0, channels=None, nodes=None, publishers=16, window=None, **options):
        if channels is None and mode == "fanout":
            channels = [f"project:{bench.PROJECT}"]
        return run_clients(
            "glassbox", mode, self.pids, address=self.addresses, token=self.token, channel=channels or [],
            node=nodes or self.nodes_of_one(), sockets=sockets, rate=rate, publishers=publishers, window=window or WINDOW,
            **options,
        )  # fmt: skip

    def idle(self, sockets, source):
        channels = [f"project:{project(n)}" for n in range(1, PROJECTS + 1)]
        return command_of_clients(
            "glassbox", "idle", address=self.addresses, token=self.token, channel=channels, sockets=sockets, source=source, seconds=0,
        )  # fmt: skip

    def ask(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=30) as answer:
            return answer.status

    def tell(self):
        """One event in one project; answers what part of the sockets hears it."""
        self.ask("PATCH", f"/api/v1/nodes/{nodes_of(1)[0]}", json.dumps({"title": "An event"}).encode())
        return PROJECTS

    def is_ready(self):
        begun = time.monotonic()
        status = self.ask("GET", "/health/ready")
        return f"{status} in {(time.monotonic() - begun) * 1000:.0f} ms"

    @staticmethod
    def nodes_of_one():
        """Some nodes of the project whose channel is heard, so that writers do not wait for each other's rows."""
        return nodes_of(int(bench.PROJECT.rsplit("-", 1)[1], 16))[:16]

    def stop(self):
        for process in self.all:
            self.processes.stop(process)
        if self.redis:
            self.processes.stop(self.redis)


def start(name, processes, postgres):
    if name == "before":
        return GlassBox(processes, postgres, binary=os.environ["GLASSBOX_BEFORE"])
    return GlassBox(processes, postgres) if name == "GlassBox" else NodeServer(name, processes)


def median(rows, pick):
    return statistics.median(pick(row) for row in rows)


def fanout(processes, postgres):
    servers = {name: start(name, processes, postgres) for name in SYSTEMS}
    found = collections.defaultdict(list)
    for sockets in SOCKETS:
        for _ in range(ROUNDS):
            for name, server in servers.items():
                before = postgres_cpu(postgres)
                full = server.measure("fanout", sockets, seconds=SECONDS)
                full["postgres"] = postgres_cpu(postgres) - before
                paced = server.measure("fanout", sockets, rate=PACED / sockets, seconds=SECONDS)
                found[sockets, name].append((full, paced))
                bench.say(f"{sockets} {name}: {full['delivered'] / full['seconds']:,.0f}/s, {full}")
    print("\n### Events to all who listen to one channel\n")
    print("| sockets | | deliveries /s | server CPU µs/delivery | client CPU µs/delivery | events a read | full: p50, p99 ms "
          f"| at {PACED:,} deliveries /s: p50, p99 ms | server CPU µs/delivery | bytes |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (sockets, name), rounds in found.items():
        full, paced = [r[0] for r in rounds], [r[1] for r in rounds]
        rate = median(full, lambda r: r["delivered"] / r["seconds"])
        server, client = (median(full, lambda r, at=at: r["cpu"][at] / r["delivered"] * 1e6) for at in (0, -1))
        reads = median(full, lambda r: r["delivered"] / r["reads"])
        waits = [median(full, lambda r, at=at: r["sent_ms"][at]) for at in (0, 1)]
        calm = [median(paced, lambda r, at=at: r["sent_ms"][at]) for at in (0, 1)]
        calm_cpu = median(paced, lambda r: r["cpu"][0] / max(1, r["delivered"]) * 1e6)
        print(f"| {sockets:,} | {name} | {rate:,.0f} | {server:.2f} | {client:.2f} | {reads:.1f} | {waits[0]:.1f}, {waits[1]:.1f} "
              f"| {calm[0]:.1f}, {calm[1]:.1f} | {calm_cpu:.2f} | {full[0]['bytes']} |", flush=True)  # fmt: skip
    for server in servers.values():
        server.stop()


def postgres_cpu(postgres):
    return bench.cpu_of(bench.family(postgres.process.pid))


def latency(processes, postgres):
    """500 changes a second on 50 projects, two of 100 clients at each."""
    print("\n### From a change to the sockets: 100 clients on 50 projects\n")
    print("| instances | changes /s | from the answer: p50, p99, most ms | from the request: p50, p99 ms | refused | CPU s/s: serve, client, Postgres |")
    print("|---|---|---|---|---|---|")
    channels = [f"project:{project(n)}" for n in range(1, PROJECTS + 1)]
    nodes = [nodes_of(p)[n] for n in range(4) for p in range(1, PROJECTS + 1)]
    for instances in (1, 3):
        server = GlassBox(processes, postgres, instances)
        for _ in range(ROUNDS):
            before = postgres_cpu(postgres)
            got = server.measure("fanout", 100, rate=500, channels=channels, nodes=nodes, seconds=SECONDS * 2)
            used = postgres_cpu(postgres) - before
            rate = got["delivered"] / got["seconds"] / 2
            news, sent = got["answered_ms"], got["sent_ms"]
            serve = sum(got["cpu"][:-1]) / got["seconds"]
            print(f"| {instances} | {rate:,.0f} | {news[0]:.1f}, {news[1]:.1f}, {news[2]:.1f} | {sent[0]:.1f}, {sent[1]:.1f} "
                  f"| {got['refused']} | {serve:.2f}, {got['cpu'][-1] / got['seconds']:.2f}, {used / (got['seconds'] + 1.5):.2f} |", flush=True)  # fmt: skip
        if instances == 1:
            alone, heard = [], []
            for _ in range(ROUNDS):
                got = server.measure("write", 0, nodes=nodes, publishers=8, seconds=SECONDS)
                alone.append(got["published"] / got["seconds"])
                got = server.measure("fanout", 100, channels=channels, nodes=nodes, publishers=8, seconds=SECONDS, window=1_000_000)
                heard.append(got["published"] / got["seconds"])
            print(f"\n8 writers without a pause: {statistics.median(alone):,.0f} changes a second while nobody listens, "
                  f"{statistics.median(heard):,.0f} while 100 clients do.\n")  # fmt: skip
            print("| instances | changes /s | from the answer | from the request | refused | CPU |\n|---|---|---|---|---|---|")
        server.stop()


def memory_of(pids):
    """Bytes that are the processes' own; what several share is counted in parts."""
    total = 0
    for pid in pids:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        total += 1024 * int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
    return total


def hold(server, sockets):
    """Opens idle sockets by as many processes as it takes, each from an address of its own."""
    holders = []
    for number, first in enumerate(range(0, sockets, EACH_PROCESS)):
        command = server.idle(min(EACH_PROCESS, sockets - first), f"127.0.0.{2 + number}")
        holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    opened = [json.loads(holder.stdout.readline())["opened_seconds"] for holder in holders]
    return holders, max(opened)


def let_go(holders):
    """Closes them; answers how many were still open, and how many events they heard."""
    told = [json.loads(holder.communicate()[0]) for holder in holders]
    return sum(one["sockets"] for one in told), sum(one["heard"] for one in told)


def idle(processes, postgres):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    print(f"\n### Idle connections (a process may open {limit:,} files here)\n")
    print("| | connections | KB of server memory each | opened in s | heard one event of those who listen | /health/ready |")
    print("|---|---|---|---|---|---|")
    for name in SYSTEMS:
        for sockets in IDLE:
            sockets = min(sockets, limit - OTHER_FILES)
            server = start(name, processes, postgres)
            let_go(hold(server, 50)[0])
            time.sleep(2)
            before = memory_of(server.pids)
            holders, opened = hold(server, sockets)
            time.sleep(5)
            each = (memory_of(server.pids) - before) / sockets / 1024
            # Socket number k of each process listens to channel k, in turn.
            listeners = sockets // server.tell()
            time.sleep(5)
            ready = server.is_ready()
            alive, heard = let_go(holders)
            print(f"| {name} | {alive:,} | {each:.1f} | {opened:.1f} | {heard:,} of {listeners:,} | {ready} |", flush=True)
            server.stop()


def subscribes(processes, postgres):
    print("\n### Subscribes, each with its look at the right\n")
    print("| | a second | refused | CPU ms each |\n|---|---|---|---|")
    server = GlassBox(processes, postgres)
    one = [f"project:{project(n)}" for n in range(1, PROJECTS + 1)]
    many = [f"node:{node(n)}" for n in range(1, 1501)]
    for name, channels in (("50 channels that others hear", one), ("1,500 channels, mostly the first here to hear them", many)):
        for _ in range(ROUNDS):
            got = server.measure("subscribe", 64, channels=channels, seconds=SECONDS)
            each = got["cpu"][0] / max(1, got["answered"]) * 1000
            print(f"| {name} | {got['answered'] / got['seconds']:,.0f} | {got['refused']} | {each:.3f} |", flush=True)
    server.stop()


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    processes = bench.Processes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    postgres = None
    try:
        postgres = bench.Postgres(processes)
        postgres.create("live", NODES)
        for name in ONLY:
            {"fanout": fanout, "latency": latency, "idle": idle, "subscribes": subscribes}[name](processes, postgres)
    finally:
        processes.stop_all()
        if postgres:
            shutil.rmtree(postgres.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
