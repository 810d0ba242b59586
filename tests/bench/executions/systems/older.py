"""The usual shape of an agent's worker: LiteLLM, and an insert for each event, for people to see.

The events don't make it resumable: nothing reads them back.
"""

import contextlib

import litellm
import loop
import orjson

EVENT = "insert into events (run, kind, data) values ($1, $2, $3)"


@contextlib.asynccontextmanager
async def older(world):
    async def run(run_id):
        messages = loop.opening()

        async def tell(kind, data):
            await world.pool.execute(EVENT, run_id, kind, orjson.dumps(data).decode())

        await tell("started", {})
        while True:
            answer = await litellm.acompletion(
                model=f"openai/{loop.MODEL_NAME}", messages=messages, tools=[loop.TOOL], api_base=loop.MODEL_URL, api_key="none"
            )
            message = answer.choices[0].message.model_dump(exclude_none=True)
            messages.append(message)
            await tell("llm_call", message)
            asked = loop.calls(message)
            if not asked:
                break
            for call_id, arguments in asked:
                await tell("tool_call", arguments)
                told = loop.result(call_id, await world.insert(run_id, arguments))
                messages.append(told)
                await tell("tool_result", told)
        await tell("complete", {})

    yield run


if __name__ == "__main__":
    loop.measure(older)
