"""The hot paths with FastAPI and asyncpg: the usual choices of a Python service, written the
usual way. asyncpg prepares by itself; one transaction a request, an HMAC-SHA-256 token."""

import os
import re
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timezone

import asyncpg
import jwt
import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import Response


def statements(path):
    with open(path, encoding="utf-8") as file:
        parts = file.read().split("-- name: ")[1:]
    return {name: text.strip() for name, text in (part.split("\n", 1) for part in parts)}


SQL = statements(os.environ["STATEMENTS"])
# Columns of a node that are told; the last one, its lock's epoch, is not.
NODE = 21


async def prepare(connection):
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda v: orjson.dumps(v, default=str).decode(), decoder=orjson.loads
    )


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=4, max_size=8, init=prepare
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


def caller(authorization: str = Header()):
    try:
        return jwt.decode(authorization.removeprefix("Bearer "), os.environ["SECRET"], ["HS256"])["sub"]
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error


NAMES = {}


def camel(name):
    made = NAMES.get(name)
    if made is None:
        made = NAMES[name] = re.sub("_(.)", lambda m: m[1].upper(), name)
    return made


def columns(row, first, last):
    pairs = list(row.items())[first:last]
    return {camel(key): value for key, value in pairs if value is not None}


def answer(body):
    return Response(orjson.dumps(body, default=str), media_type="application/json")


@asynccontextmanager
async def entered(user, kind, thing):
    async with app.state.pool.acquire() as connection, connection.transaction():
        standing = await connection.fetchrow(SQL["enter"], user, kind, thing)
        if standing is None:
            raise HTTPException(404)
        yield connection


async def complete(connection, node):
    node["inputs"] = []
    for row in await connection.fetch(SQL["inputs"], node["id"]):
        made = columns(row, 0, 12)
        if row[12] is not None:
            made["file"] = columns(row, 12, 17)
        if row[17] is not None:
            made["sourceNode"] = columns(row, 17, 22)
        node["inputs"].append(made)
    node["outputs"] = []
    for row in await connection.fetch(SQL["outputs"], node["id"]):
        made = columns(row, 0, 12)
        if row[12] is not None:
            made["file"] = columns(row, 12, 17)
        node["outputs"].append(made)
    return node


@app.get("/api/v1/nodes/{node_id}")
async def node_get(node_id: uuid.UUID, user: str = Depends(caller)):
    async with entered(user, "node", node_id) as connection:
        row = await connection.fetchrow(SQL["node"], node_id)
        node = await complete(connection, columns(row, 0, NODE))
    return answer(node)


@app.get("/api/v1/projects/{project_id}/nodes")
async def node_list(project_id: uuid.UUID, limit: int = 50, user: str = Depends(caller)):
    async with entered(user, "project", project_id) as connection:
        total = await connection.fetchval(SQL["count"], project_id)
        rows = await connection.fetch(SQL["list"], project_id, limit + 1)
    data = [columns(row, 0, NODE) for row in rows[:limit]]
    return answer({"data": data, "total": total, "limit": limit, "offset": 0, "hasMore": len(rows) > limit})


@app.patch("/api/v1/nodes/{node_id}")
async def node_update(node_id: uuid.UUID, request: Request, user: str = Depends(caller)):
    change = orjson.loads(await request.body())
    by = uuid.UUID(user)
    async with entered(user, "node", node_id) as connection:
        node = columns(await connection.fetchrow(SQL["lock"], [node_id]), 0, NODE)
        before, after = {"title": node["title"]}, {"title": change["title"]}
        now = datetime.now(timezone.utc)
        node |= {"title": change["title"], "version": node["version"] + 1, "updatedAt": now}
        await connection.execute(
            SQL["update"], node_id, node["title"], node.get("description"), node["status"], node["version"],
            node["metadata"], node.get("position"), now,
        )  # fmt: skip
        await complete(connection, node)
        org = node["orgId"]
        await connection.execute(SQL["version"], uuid.uuid4(), org, node_id, node["version"], node, by, now)
        await connection.execute(SQL["audit"], uuid.uuid4(), org, by, node_id, before, after, str(uuid.uuid4()), now)
        email = await connection.fetchval(SQL["email"], by)
        payload = {"nodeId": node_id, "projectId": node["projectId"], "changes": after, "version": node["version"],
                   "updatedBy": {"id": by, "email": email}, "updatedAt": now}  # fmt: skip
        channels = [f"project:{node['projectId']}", f"node:{node_id}"]
        await connection.execute(SQL["outbox"], uuid.uuid4(), org, channels, payload, now)
    return answer(node)
