/**
 * Runs `migrate` as a step of a deployment, before any service is changed.
 *
 * CloudFormation calls the function whenever the task's definition changes, which a new
 * image makes it do. The function runs the task and waits for its end. When it fails the
 * deployment does, and the services stay as they were: a migration works with the
 * program before it too.
 */

import { fileURLToPath } from 'node:url';

import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { removal, retention } from './data.ts';
import type { Network } from './network.ts';
import { clusterName, type Role } from './roles.ts';
import type { Task } from './task.ts';

/** The longest that a Lambda function may run; a migration that takes longer is run by hand. */
const LIMIT = Duration.minutes(15);

export class Migration extends Construct {
  constructor(
    scope: Construct,
    id: string,
    settings: Settings,
    network: Network,
    cluster: ecs.Cluster,
    task: Task,
    role: Role,
  ) {
    super(scope, id);
    const runner = this.makeRunner(settings, cluster, task);
    const subnets = network.vpc.selectSubnets(role.subnets).subnetIds;
    const run = new CustomResource(this, 'Run', {
      resourceType: 'Custom::Migration',
      serviceToken: runner.functionArn,
      serviceTimeout: LIMIT,
      properties: {
        cluster: cluster.clusterArn,
        taskDefinition: task.definition.taskDefinitionArn,
        subnets,
        securityGroups: [role.group.securityGroupId],
        log: task.log.logGroupName,
      },
    });
    // Without its rights the task would not start, and nothing else orders them.
    run.node.addDependency(task);
  }

  private makeRunner(settings: Settings, cluster: ecs.Cluster, task: Task): lambda.Function {
    const log = new logs.LogGroup(this, 'Log', {
      retention: retention(settings),
      removalPolicy: removal(settings),
    });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: 'Runs the migrate task',
    });
    log.grantWrite(role);
    for (const statement of this.rights(settings, cluster, task)) role.addToPolicy(statement);
    return new lambda.Function(this, 'Runner', {
      description: 'Runs the migrate task and waits for its end',
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(fileURLToPath(new URL('../lambda/migrate', import.meta.url))),
      role,
      logGroup: log,
      timeout: LIMIT,
      // Two at once would only wait for each other's lock.
      reservedConcurrentExecutions: 1,
    });
  }

  private rights(settings: Settings, cluster: ecs.Cluster, task: Task): iam.PolicyStatement[] {
    const { definition } = task;
    const { region, account, partition } = Stack.of(this);
    const inCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
    const arn = (what: string) => `arn:${partition}:ecs:${region}:${account}:${what}`;
    const revisions = arn(`task-definition/${definition.family}:*`);
    acknowledgeWildcard(this, revisions, 'Any revision of this one task: each deployment makes one.');
    const tasks = arn(`task/${clusterName(settings)}/*`);
    acknowledgeWildcard(this, tasks, 'A task has no name before it runs; any of this one cluster.');
    return [
      new iam.PolicyStatement({
        sid: 'RunMigrate',
        actions: ['ecs:RunTask'],
        resources: [revisions],
        conditions: inCluster,
      }),
      new iam.PolicyStatement({
        sid: 'WaitForMigrate',
        actions: ['ecs:DescribeTasks'],
        resources: [tasks],
        conditions: inCluster,
      }),
      new iam.PolicyStatement({
        sid: 'HandOverRoles',
        actions: ['iam:PassRole'],
        resources: [definition.taskRole.roleArn, definition.executionRole!.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    ];
  }
}
