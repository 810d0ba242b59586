"""LangGraph as its documentation has it: the prebuilt agent, `ChatOpenAI`, the Postgres checkpointer."""

import contextlib
import warnings

import loop
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.prebuilt import create_react_agent
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


@contextlib.asynccontextmanager
async def checkpointer():
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(loop.DATABASE_URL, kwargs=settings, min_size=1, max_size=loop.CONNECTIONS, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        yield saver


def config(run_id):
    return {"configurable": {"thread_id": str(run_id)}, "recursion_limit": 10_000}


@contextlib.asynccontextmanager
async def plain(world):
    async with checkpointer() as saver:
        model = ChatOpenAI(model=loop.MODEL_NAME, base_url=loop.MODEL_URL, api_key="none")

        async def run(run_id):
            @tool
            async def insert(step: int, text: str) -> str:
                """Writes a finding down."""
                return await world.insert(run_id, {"step": step, "text": text})

            agent = create_react_agent(model, [insert], checkpointer=saver)
            messages = [("system", loop.SYSTEM), ("user", loop.TASK)]
            await agent.ainvoke({"messages": messages}, config(run_id))

        yield run


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    loop.measure(plain)
