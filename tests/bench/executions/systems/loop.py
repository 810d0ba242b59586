"""What the systems in Python share: the model's client, the tool, and the loop that measures.

A system is a program that calls `measure` with its own `run`, which does one execution. It says
`ready` once it is warm, begins when a line comes, keeps so many executions going for so many
seconds, lets them end, and prints what it saw as JSON.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import time
import uuid

import aiohttp
import asyncpg
import orjson
import uvloop

MODEL_URL = os.environ["MODEL_URL"]
MODEL_NAME = os.environ["MODEL_NAME"]
DATABASE_URL = os.environ["DATABASE_URL"]
CONNECTIONS = int(os.environ["POOL"])
SYSTEM = "You inspect piers. Write down each finding with `insert`, then say that you are done."
TASK = "Inspect the north pier."
TOOL = {
    "type": "function",
    "function": {
        "name": "insert",
        "description": "Writes a finding down.",
        "parameters": {
            "type": "object",
            "properties": {"step": {"type": "integer"}, "text": {"type": "string"}},
            "required": ["step", "text"],
        },
    },
}
INSERT = "insert into effects (run, step, text) values ($1, $2, $3)"
RESULT = '{"ok": true}'


class World:
    """The connections of one process."""

    async def __aenter__(self):
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), json_serialize=lambda value: orjson.dumps(value).decode()
        )
        self.pool = await asyncpg.create_pool(DATABASE_URL, min_size=1, max_size=CONNECTIONS)
        return self

    async def __aexit__(self, *_):
        await self.http.close()
        await self.pool.close()

    async def ask(self, messages):
        """The model's next message."""
        body = {"model": MODEL_NAME, "messages": messages, "tools": [TOOL]}
        async with self.http.post(f"{MODEL_URL}/chat/completions", json=body) as response:
            return orjson.loads(await response.read())["choices"][0]["message"]

    async def insert(self, run, arguments):
        """The tool: one insert, committed."""
        await self.pool.execute(INSERT, run, arguments["step"], arguments["text"])
        return RESULT


def opening():
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TASK}]


def calls(message):
    """The tool calls of a message, with their arguments read."""
    return [(call["id"], orjson.loads(call["function"]["arguments"])) for call in message.get("tool_calls") or ()]


def result(call_id, content):
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def measure(system):
    """`system(world)` is an asynchronous context manager that gives `run(id)`."""
    uvloop.run(_measure(system))


async def _measure(system):
    parser = argparse.ArgumentParser()
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    async with World() as world, system(world) as run:
        await asyncio.gather(*(run(uuid.uuid4()) for _ in range(max(4, arguments.concurrency))))
        print("ready", flush=True)
        await asyncio.to_thread(input)
        before, begun, took = used(), time.perf_counter(), []

        async def keep_going():
            while time.perf_counter() - begun < arguments.seconds:
                start = time.perf_counter()
                await run(uuid.uuid4())
                took.append(time.perf_counter() - start)

        await asyncio.gather(*(keep_going() for _ in range(arguments.concurrency)))
        seconds = time.perf_counter() - begun
        after = used()
        result = {"took": took, "seconds": seconds, "memory": after["memory"]}
        result |= {key: after[key] - before[key] for key in ("cpu", "written")}
        print(json.dumps(result), flush=True)


PROGRAMS = [os.getpid()]


def programs(processes):
    """Says that these do the work, and this process only calls them."""
    PROGRAMS[:] = [process.pid for process in processes]


def used():
    """Processor seconds, the most memory in MB and the bytes written to disk, of the programs."""
    cpu = memory = written = 0
    for pid in PROGRAMS:
        folder = pathlib.Path("/proc") / str(pid)
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        memory += int(re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text())[1]) / 1024
        written += int(re.search(r"^write_bytes: (\d+)", (folder / "io").read_text(), re.M)[1])
    return {"cpu": cpu, "memory": memory, "written": written}
