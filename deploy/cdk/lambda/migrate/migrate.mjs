/**
 * Runs the migrate task once and waits until it has ended.
 *
 * @param ecs answers `runTask` and `describeTasks`, as the SDK's client does
 * @param what `cluster`, `taskDefinition`, `subnets`, `securityGroups`, `log`
 * @param left milliseconds that we still have
 * @param pause waits for some milliseconds
 * @throws when the task could not be started, failed, or takes longer than we have
 */
export async function migrate(ecs, what, left, pause) {
  const task = await start(ecs, what);
  for (;;) {
    const ended = await endOf(ecs, what.cluster, task);
    if (ended) return judge(ended, what.log);
    if (left() < RESERVE) {
      throw new Error(`migrate still runs as ${task}; see the log group ${what.log}. Wait for it, then deploy again.`);
    }
    await pause(5000);
  }
}

/** What we keep for telling CloudFormation, in milliseconds. */
const RESERVE = 30_000;

async function start(ecs, { cluster, taskDefinition, subnets, securityGroups }) {
  const { tasks = [], failures = [] } = await ecs.runTask({
    cluster,
    taskDefinition,
    launchType: 'FARGATE',
    count: 1,
    networkConfiguration: {
      awsvpcConfiguration: { subnets, securityGroups, assignPublicIp: 'DISABLED' },
    },
  });
  if (tasks.length === 1) return tasks[0].taskArn;
  throw new Error(`migrate did not start: ${failures.map((one) => one.reason).join(', ') || 'for no reason told'}.`);
}

/** The task once it has stopped, else nothing: also while ECS does not know it yet. */
async function endOf(ecs, cluster, task) {
  const { tasks = [] } = await ecs.describeTasks({ cluster, tasks: [task] });
  return tasks.find((one) => one.lastStatus === 'STOPPED');
}

function judge(task, log) {
  const code = task.containers?.[0]?.exitCode;
  if (code === 0) return;
  const how = code === undefined ? task.stoppedReason : `it ended with ${code}`;
  throw new Error(`migrate failed: ${how}. See the log group ${log}. Nothing else was changed.`);
}
