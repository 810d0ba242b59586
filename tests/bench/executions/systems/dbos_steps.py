"""DBOS: the loop as a workflow, each call of the model and of the tool a step, in its Postgres."""

import contextlib
import uuid

import loop
from dbos import DBOS, DBOSConfig, SetWorkflowID


@contextlib.asynccontextmanager
async def steps(world):
    url = loop.DATABASE_URL.replace("postgres://", "postgresql://")
    settings = DBOSConfig(name="bench", system_database_url=url, sys_db_pool_size=loop.CONNECTIONS, log_level="ERROR")
    DBOS(config=settings)

    @DBOS.step()
    async def ask(messages: list) -> dict:
        return await world.ask(messages)

    @DBOS.step()
    async def insert(run_id: str, arguments: dict) -> str:
        return await world.insert(uuid.UUID(run_id), arguments)

    @DBOS.workflow()
    async def agent(run_id: str) -> None:
        messages = loop.opening()
        while True:
            message = await ask(messages)
            messages.append(message)
            asked = loop.calls(message)
            if not asked:
                return
            for call_id, arguments in asked:
                messages.append(loop.result(call_id, await insert(run_id, arguments)))

    DBOS.launch()

    async def run(run_id):
        with SetWorkflowID(str(run_id)):
            await agent(str(run_id))

    yield run
    DBOS.destroy()


if __name__ == "__main__":
    loop.measure(steps)
