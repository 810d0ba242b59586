/**
 * The step of a deployment that runs `migrate`; CloudFormation calls it as a custom
 * resource. What it does is in migrate.mjs; here is only who asks and how they are told.
 */

import { setTimeout as pause } from 'node:timers/promises';

import { migrate } from './migrate.mjs';

export async function handler(event, context) {
  const ecs = event.RequestType === 'Delete' ? undefined : await client();
  await respond(event, () => ecs && migrate(ecs, event.ResourceProperties, () => context.getRemainingTimeInMillis(), pause));
}

/** Does `work` and tells CloudFormation how it ended; without that it waits until its time is up. */
export async function respond(event, work) {
  const answer = { Status: 'SUCCESS' };
  try {
    await work();
  } catch (error) {
    console.error(error);
    answer.Status = 'FAILED';
    answer.Reason = String(error.message).slice(0, 1000);
  }
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({ ...answer, StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'migration' });
  // The address is signed without a content type.
  const answered = await fetch(event.ResponseURL, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (!answered.ok) throw new Error(`CloudFormation answered ${answered.status}.`);
}

/** The SDK that the runtime brings. */
async function client() {
  const { ECS } = await import('@aws-sdk/client-ecs');
  return new ECS();
}
