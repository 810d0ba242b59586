"""The least that a loop must write to be resumed: each answer, and each result with its effect.

Nothing reads it, chains it, bounds it or tells of it, and one worker is trusted to be the only.
"""

import contextlib

import loop
import orjson

START = "insert into runs (id, status) values ($1, 'running')"
END = "update runs set status = 'complete' where id = $1"
ANSWER = "insert into journal (run, sequence, data) values ($1, $2, $3)"
# The effect and its entry in one statement, so in one commit.
RESULT = """
with effect as (insert into effects (run, step, text) values ($1, $4, $5))
insert into journal (run, sequence, data) values ($1, $2, $3)
"""


@contextlib.asynccontextmanager
async def resumable(world):
    async def run(run_id):
        await world.pool.execute(START, run_id)
        messages = loop.opening()

        async def write(statement, message, *more):
            messages.append(message)
            await world.pool.execute(statement, run_id, len(messages), orjson.dumps(message).decode(), *more)

        while True:
            message = await world.ask(messages)
            await write(ANSWER, message)
            asked = loop.calls(message)
            if not asked:
                break
            for call_id, arguments in asked:
                told = loop.result(call_id, loop.RESULT)
                await write(RESULT, told, arguments["step"], arguments["text"])
        await world.pool.execute(END, run_id)

    yield run


if __name__ == "__main__":
    loop.measure(resumable)
