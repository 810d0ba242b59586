/** The step of a deployment that runs `migrate`, against an ECS that does as it is told. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

// @ts-expect-error plain JavaScript, since Lambda runs it as it is
import { respond } from '../lambda/migrate/index.mjs';
// @ts-expect-error the same
import { migrate } from '../lambda/migrate/migrate.mjs';

const WHAT = { cluster: 'c', taskDefinition: 't:7', subnets: ['s'], securityGroups: ['g'], log: 'the-log' };
const running = { taskArn: 'task/1', lastStatus: 'RUNNING' };
const stopped = (exitCode?: number) => ({ lastStatus: 'STOPPED', stoppedReason: 'no image', containers: [{ exitCode }] });

/** Answers `states` one after the other, and the last for ever. */
function ecs(...states: object[]) {
  const asked: Record<string, unknown>[] = [];
  return {
    asked,
    runTask: async (what: Record<string, unknown>) => (asked.push(what), { tasks: [running], failures: [] }),
    describeTasks: async () => ({ tasks: [states.length > 1 ? states.shift() : states[0]] }),
  };
}

const enough = () => 600_000;
const soon = async () => {};

test('it waits until migrate has ended well, inside the VPC', async () => {
  const fake = ecs(running, running, stopped(0));
  await migrate(fake, WHAT, enough, soon);
  assert.equal(fake.asked.length, 1);
  assert.equal(fake.asked[0]!.taskDefinition, 't:7');
  assert.match(JSON.stringify(fake.asked), /"assignPublicIp":"DISABLED"/);
});

test('a migration that fails fails the deployment and says where to look', async () => {
  await assert.rejects(migrate(ecs(stopped(1)), WHAT, enough, soon), /ended with 1\. See the log group the-log/);
});

test('a task that never came up fails it with the reason', async () => {
  await assert.rejects(migrate(ecs(stopped()), WHAT, enough, soon), /no image/);
  const none = { runTask: async () => ({ failures: [{ reason: 'RESOURCE:MEMORY' }] }) };
  await assert.rejects(migrate(none, WHAT, enough, soon), /RESOURCE:MEMORY/);
});

test('it gives up while there is still time to say so', async () => {
  let left = 60_000;
  await assert.rejects(migrate(ecs(running), WHAT, () => (left -= 5000), soon), /still runs/);
  assert.ok(left > 0);
});

test('CloudFormation is told how it ended', async () => {
  const told: Record<string, string>[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part)).on('end', () => (told.push(JSON.parse(body)), response.end()));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address() as { port: number };
  const event = { ResponseURL: `http://127.0.0.1:${address.port}/`, StackId: 's', RequestId: 'r', LogicalResourceId: 'l' };
  await respond(event, async () => {});
  await respond(event, async () => Promise.reject(new Error('migrate failed')));
  server.close();
  assert.deepEqual(told.map(({ Status, Reason }) => [Status, Reason]), [['SUCCESS', undefined], ['FAILED', 'migrate failed']]);
  assert.equal(told[0]!.RequestId, 'r');
});
