/**
 * What has to be done now and then by the schema's owner, and so by no service: the indexes
 * of organizations with many vectors.
 *
 * EventBridge starts the task of `migrate` with another command. It hears only whether the
 * task started. How it ended is in the log, on which an alarm watches.
 */

import { Stack } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import type { Network } from './network.ts';
import type { Role } from './roles.ts';
import { CONTAINER, type Task } from './task.ts';

/** UTC; when few people work where the region is. */
const NIGHTLY = 'cron(30 2 * * ? *)';

export class Upkeep extends Construct {
  readonly group: CfnScheduleGroup;

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
    this.group = new CfnScheduleGroup(this, 'Group', { name: `glassbox-${settings.name}` });
    const schedule = new CfnSchedule(this, 'IndexVectors', {
      description: 'Indexes the vectors of organizations that have many',
      groupName: this.group.name,
      scheduleExpression: NIGHTLY,
      flexibleTimeWindow: { mode: 'FLEXIBLE', maximumWindowInMinutes: 30 },
      target: {
        arn: cluster.clusterArn,
        roleArn: this.makeRole(settings, cluster, task).roleArn,
        input: JSON.stringify({ containerOverrides: [{ name: CONTAINER, command: ['index-vectors'] }] }),
        ecsParameters: {
          taskDefinitionArn: task.definition.taskDefinitionArn,
          launchType: 'FARGATE',
          taskCount: 1,
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: network.vpc.selectSubnets(role.subnets).subnetIds,
              securityGroups: [role.group.securityGroupId],
              assignPublicIp: 'DISABLED',
            },
          },
        },
        // Without it search is slower, not wrong, so there is no hurry.
        retryPolicy: { maximumRetryAttempts: 5, maximumEventAgeInSeconds: 3600 },
      },
    });
    schedule.node.addDependency(this.group);
  }

  private makeRole(settings: Settings, cluster: ecs.Cluster, task: Task): iam.Role {
    const { region, account, partition } = Stack.of(this);
    const { definition } = task;
    const ours = `arn:${partition}:scheduler:${region}:${account}:schedule-group/glassbox-${settings.name}`;
    const role = new iam.Role(this, 'Role', {
      description: 'Starts index-vectors by the clock',
      // For the schedules of this one group: nobody else's may use it by naming it.
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account, 'aws:SourceArn': ours } },
      }),
    });
    const revisions = `arn:${partition}:ecs:${region}:${account}:task-definition/${definition.family}:*`;
    acknowledgeWildcard(this, revisions, 'Any revision of this one task: each deployment makes one.');
    role.addToPolicy(
      new iam.PolicyStatement({
        sid: 'StartUpkeep',
        actions: ['ecs:RunTask'],
        resources: [revisions],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        sid: 'HandOverRoles',
        actions: ['iam:PassRole'],
        resources: [definition.taskRole.roleArn, definition.executionRole!.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    );
    return role;
  }
}
