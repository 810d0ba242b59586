"""LangGraph by hand: the graph compiled once, plain messages, the model asked without its wrapper."""

import contextlib
import operator
from typing import Annotated, TypedDict

import loop
from langgraph.graph import END, START, StateGraph
from langgraph_plain import checkpointer, config


class State(TypedDict):
    run: str
    messages: Annotated[list, operator.add]


@contextlib.asynccontextmanager
async def tuned(world):
    async def model(state: State):
        return {"messages": [await world.ask(state["messages"])]}

    async def tools(state: State):
        asked = loop.calls(state["messages"][-1])
        return {"messages": [loop.result(call_id, await world.insert(state["run"], arguments)) for call_id, arguments in asked]}

    def route(state: State):
        return "tools" if loop.calls(state["messages"][-1]) else END

    graph = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", route, ["tools", END])
    graph.add_edge("tools", "model")
    async with checkpointer() as saver:
        agent = graph.compile(checkpointer=saver)

        async def run(run_id):
            await agent.ainvoke({"run": str(run_id), "messages": loop.opening()}, config(run_id))

        yield run


if __name__ == "__main__":
    loop.measure(tuned)
