// The hot paths with Fastify and pg: the usual choices of a Node service, written the usual
// way. Named statements, one transaction a request, a token signed with HMAC-SHA-256.
'use strict';

const fs = require('node:fs');
const crypto = require('node:crypto');
const fastify = require('fastify')({ logger: false });
const { Pool, types } = require('pg');

types.setTypeParser(20, Number);
const sql = {};
for (const part of fs.readFileSync(process.env.STATEMENTS, 'utf8').split('-- name: ').slice(1)) {
  const end = part.indexOf('\n');
  sql[part.slice(0, end)] = part.slice(end).trim();
}
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
fastify.register(require('@fastify/jwt'), { secret: process.env.SECRET });
fastify.addHook('onRequest', (request) => request.jwtVerify());

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const run = (client, name, values) => client.query({ name, text: sql[name], values });
const rowsOf = (client, name, values) =>
  client.query({ name: `${name}_rows`, text: sql[name], values, rowMode: 'array' });

// Columns of a node that are told; the last one, its lock's epoch, is not.
const NODE = 21;

// The columns that a statement selects first, as an object without nulls.
function object(fields, row, count = row.length) {
  const made = {};
  for (let i = 0; i < count; i += 1) {
    if (row[i] !== null) made[camel(fields[i].name)] = row[i];
  }
  return made;
}

async function transaction(user, kind, id, work) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const standing = (await run(client, 'enter', [user, kind, id])).rows[0];
    if (!standing) throw Object.assign(new Error('not found'), { statusCode: 404 });
    const answer = await work(client, standing);
    await client.query('commit');
    return answer;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function complete(client, node) {
  const inputs = await rowsOf(client, 'inputs', [node.id]);
  const outputs = await rowsOf(client, 'outputs', [node.id]);
  node.inputs = inputs.rows.map((row) => {
    const input = object(inputs.fields, row, 12);
    if (row[12]) input.file = object(inputs.fields.slice(12), row.slice(12), 5);
    if (row[17]) input.sourceNode = object(inputs.fields.slice(17), row.slice(17), 5);
    return input;
  });
  node.outputs = outputs.rows.map((row) => {
    const output = object(outputs.fields, row, 12);
    if (row[12]) output.file = object(outputs.fields.slice(12), row.slice(12), 5);
    return output;
  });
  return node;
}

fastify.get('/api/v1/nodes/:id', (request) =>
  transaction(request.user.sub, 'node', request.params.id, async (client) => {
    const found = await rowsOf(client, 'node', [request.params.id]);
    return complete(client, object(found.fields, found.rows[0], NODE));
  }));

fastify.get('/api/v1/projects/:id/nodes', (request) =>
  transaction(request.user.sub, 'project', request.params.id, async (client) => {
    const { id } = request.params;
    const limit = Number(request.query.limit ?? 50);
    const total = (await run(client, 'count', [id])).rows[0].count;
    const found = await rowsOf(client, 'list', [id, limit + 1]);
    const data = found.rows.slice(0, limit).map((row) => object(found.fields, row, NODE));
    return { data, total, limit, offset: 0, hasMore: found.rows.length > limit };
  }));

fastify.patch('/api/v1/nodes/:id', (request) =>
  transaction(request.user.sub, 'node', request.params.id, async (client) => {
    const { id } = request.params;
    const found = await rowsOf(client, 'lock', [[id]]);
    const node = object(found.fields, found.rows[0], NODE);
    const before = { title: node.title };
    const now = new Date();
    Object.assign(node, { title: request.body.title, version: node.version + 1, updatedAt: now });
    const after = { title: node.title };
    await run(client, 'update', [id, node.title, node.description, node.status, node.version,
      node.metadata, node.position, now]);
    await complete(client, node);
    await run(client, 'version', [crypto.randomUUID(), node.orgId, id, node.version, node,
      request.user.sub, now]);
    await run(client, 'audit', [crypto.randomUUID(), node.orgId, request.user.sub, id, before, after,
      request.id, now]);
    const { email } = (await run(client, 'email', [request.user.sub])).rows[0];
    const payload = { nodeId: id, projectId: node.projectId, changes: after, version: node.version,
      updatedBy: { id: request.user.sub, email }, updatedAt: now };
    const channels = JSON.stringify([`project:${node.projectId}`, `node:${id}`]);
    await run(client, 'outbox', [crypto.randomUUID(), node.orgId, channels, payload, now]);
    return node;
  }));

fastify.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
