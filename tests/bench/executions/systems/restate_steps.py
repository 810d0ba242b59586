"""Restate: the loop as a handler, each call of the model and of the tool a journaled `run`.

`measure` here is only the client: it starts Restate's server and this file again as the service,
and adds up what these two use. What Restate writes is in files of its own, so of Postgres' log
it has the tool's inserts alone; its own writing is told apart (`written`).
"""

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid

import loop
import restate

SERVER = os.environ.get("RESTATE_SERVER", "")
service = restate.Service("Agent")
world = loop.World()


@service.handler()
async def agent(ctx: restate.Context, run_id: str) -> str:
    messages = loop.opening()
    while True:
        message = await ctx.run_typed("ask", world.ask, messages=messages)
        messages.append(message)
        asked = loop.calls(message)
        if not asked:
            return "done"
        for call_id, arguments in asked:
            told = await ctx.run_typed("insert", world.insert, run=uuid.UUID(run_id), arguments=arguments)
            messages.append(loop.result(call_id, told))


async def serve(port):
    import hypercorn.asyncio
    import hypercorn.config

    config = hypercorn.config.Config()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "ERROR"
    async with world:
        await hypercorn.asyncio.serve(restate.app([service]), config)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def settings(folder, ingress, admin, node):
    return {
        **os.environ,
        "RESTATE_BASE_DIR": str(folder),
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_IP": "127.0.0.1",
        "RESTATE_ADVERTISED_HOST": "127.0.0.1",
        "RESTATE_BIND_PORT": str(node),
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "error",
    }


@contextlib.asynccontextmanager
async def started(client):
    """The server and the service, the service made known; the processes and where to call."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restate-", dir="/var/tmp"))
    port, ingress, admin, node = free_ports(4)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": sys.stderr}
    processes = [
        subprocess.Popen([sys.executable, __file__, "serve", str(port)], **quiet),
        subprocess.Popen([SERVER, "--no-logo"], env=settings(folder, ingress, admin, node), cwd=folder, **quiet),
    ]
    try:
        await registered(client, f"http://127.0.0.1:{admin}", f"http://127.0.0.1:{port}")
        yield processes, f"http://127.0.0.1:{ingress}/Agent/agent"
    finally:
        for process in processes:
            # Their data go with them, and a graceful end would wait for each other's connections.
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def registered(client, admin, uri):
    for _ in range(150):
        with contextlib.suppress(loop.aiohttp.ClientError):
            async with client.post(f"{admin}/deployments", json={"uri": uri}) as response:
                if response.status in (200, 201):
                    return
        await asyncio.sleep(0.2)
    raise SystemExit("Restate did not take the service")


@contextlib.asynccontextmanager
async def handler(client):
    async with started(client.http) as (processes, url):
        loop.programs(processes)

        async def run(run_id):
            for _ in range(100):
                async with client.http.post(url, json=str(run_id)) as response:
                    if response.status == 200:
                        return
                    told = await response.text()
                # The service is known a moment after it was taken.
                await asyncio.sleep(0.1)
            raise SystemExit(f"Restate answered {told}")

        yield run


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        loop.measure(handler)
