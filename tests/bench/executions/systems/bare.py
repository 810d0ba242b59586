"""A loop without durability: what dies with the process is gone. The floor."""

import contextlib

import loop


@contextlib.asynccontextmanager
async def bare(world):
    async def run(run_id):
        messages = loop.opening()
        while True:
            message = await world.ask(messages)
            messages.append(message)
            asked = loop.calls(message)
            if not asked:
                return
            for call_id, arguments in asked:
                messages.append(loop.result(call_id, await world.insert(run_id, arguments)))

    yield run


if __name__ == "__main__":
    loop.measure(bare)
