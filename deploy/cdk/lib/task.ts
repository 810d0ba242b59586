/**
 * A role of the program as a Fargate task: the image, its two IAM roles, its log.
 *
 * The root file system is read-only; `/tmp` is a volume of the task's own, and the only
 * place that the program writes to.
 */

import { Duration, Stack, Validations } from 'aws-cdk-lib';
import type * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { acknowledgeObjects, acknowledgeWildcard } from './acknowledge.ts';
import { removal, retention } from './data.ts';
import { PORTS } from './network.ts';
import { clusterName, type Role, STOP_SECONDS } from './roles.ts';

export interface Image {
  readonly repository: ecr.IRepository;
  /** The tag to run, said at each deployment. */
  readonly tag: string;
}

/** The name of the one container. */
export const CONTAINER = 'glassbox';
const SCRATCH = 'scratch';

export class Task extends Construct {
  readonly definition: ecs.FargateTaskDefinition;
  readonly log: logs.LogGroup;

  constructor(scope: Construct, id: string, settings: Settings, role: Role, image: Image) {
    super(scope, id);
    const assumedBy = new iam.ServicePrincipal('ecs-tasks.amazonaws.com');
    const taskRole = new iam.Role(this, 'Role', { assumedBy, description: `What ${role.command} may do` });
    role.statements.forEach((statement) => taskRole.addToPolicy(statement));
    const executionRole = new iam.Role(this, 'StartRole', {
      assumedBy,
      description: `What ECS may do to start ${role.command}: its image, its log, its secrets`,
    });
    this.log = new logs.LogGroup(this, 'Log', {
      retention: retention(settings),
      removalPolicy: removal(settings),
    });
    this.definition = new ecs.FargateTaskDefinition(this, 'Definition', {
      family: `glassbox-${settings.name}-${role.command}`,
      cpu: role.size.cpu,
      memoryLimitMiB: role.size.memoryMiB,
      taskRole,
      executionRole,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.X86_64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
    this.addContainer(role, image);
    this.acknowledge(settings);
    if (role.blobs) acknowledgeObjects(this, role.blobs, 'Blobs are objects of this one bucket, named by their ids.');
  }

  private addContainer(role: Role, image: Image): void {
    const container = this.definition.addContainer(CONTAINER, {
      image: ecs.ContainerImage.fromEcrRepository(image.repository, image.tag),
      command: [role.command],
      environment: role.variables,
      secrets: role.secrets,
      logging: ecs.LogDrivers.awsLogs({
        logGroup: this.log,
        streamPrefix: role.command,
        // A log service that is slow must not stop the program.
        mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      }),
      readonlyRootFilesystem: true,
      privileged: false,
      user: '10001:10001',
      stopTimeout: Duration.seconds(STOP_SECONDS),
      healthCheck: {
        command: ['CMD', 'healthcheck', role.command],
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(60),
      },
      ...(role.command === 'serve' && { portMappings: [{ containerPort: PORTS.program }] }),
    });
    this.definition.addVolume({ name: SCRATCH });
    container.addMountPoints({ containerPath: '/tmp', sourceVolume: SCRATCH, readOnly: false });
  }

  private acknowledge(settings: Settings): void {
    Validations.of(this.definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'What is secret comes from Secrets Manager; the rest is names and addresses.',
    });
    acknowledgeWildcard(this, '*', 'ecr:GetAuthorizationToken knows no resources.');
    const { region, account } = Stack.of(this);
    const tasks = `arn:aws:ecs:${region}:${account}:task/${clusterName(settings)}/*`;
    acknowledgeWildcard(this, tasks, 'A task may protect itself, and learns its name only by running.');
  }
}
