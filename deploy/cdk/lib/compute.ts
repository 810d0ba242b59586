/**
 * The compute: the program's roles on Fargate behind a load balancer.
 *
 * A deployment changes things in this order: the task definitions, `migrate` (which must
 * end well), then `serve` and the workers, each of which takes its old version back by
 * itself when the new one does not come up.
 */

import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

import type { Size } from '../config/settings.ts';
import { Migration } from './migration.ts';
import { PORTS, PUBLIC } from './network.ts';
import { agentWorker, clusterName, fileWorker, migrate, type Parts, type Role, serve } from './roles.ts';
import { Service } from './service.ts';
import { type Image, Task } from './task.ts';
import { Upkeep } from './upkeep.ts';

/** Open connections that a task of serve should have; streams and sockets are such. */
const CONNECTIONS = 2000;
/** Messages that may wait for each worker. What it works on is no longer among them. */
const JOBS = 8;

export class Compute extends Stack {
  readonly loadBalancer: elb.ApplicationLoadBalancer;
  readonly targets: elb.ApplicationTargetGroup;
  readonly services: { readonly serve: Service; readonly agentWorker: Service; readonly fileWorker: Service };
  /** What runs by the clock. */
  readonly upkeep: Upkeep;
  /** The log of each role, by its command. */
  readonly logs: Record<string, Task['log']>;

  constructor(scope: Construct, id: string, parts: Parts, props: StackProps) {
    super(scope, id, props);
    const { settings, network, messaging } = parts;
    const cluster = new ecs.Cluster(this, 'Cluster', {
      clusterName: clusterName(settings),
      vpc: network.vpc,
      // The number of running tasks, which scaling divides by, comes from there.
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
    });
    const image = this.image(parts);
    this.logs = {};
    const task = (name: string, role: Role) => {
      const made = new Task(this, name, settings, role, image);
      this.logs[role.command] = made.log;
      return made;
    };
    const first = migrate(parts);
    const owners = task('Migrate', first);
    const migration = new Migration(this, 'Migration', settings, network, cluster, owners, first);
    this.upkeep = new Upkeep(this, 'Upkeep', settings, network, cluster, owners, first);
    // The new image's commands are for the new schema.
    this.upkeep.node.addDependency(migration);
    const service = (name: string, role: Role, size: Size) => {
      const made = new Service(this, `${name}Service`, cluster, task(name, role), role, size);
      made.service.node.addDependency(migration);
      return made;
    };
    this.services = {
      serve: service('Serve', serve(parts), settings.serve),
      agentWorker: service('AgentWorker', agentWorker(parts), settings.agentWorker),
      fileWorker: service('FileWorker', fileWorker(parts), settings.fileWorker),
    };
    this.loadBalancer = this.makeLoadBalancer(parts);
    this.targets = this.addListeners(parts);
    this.scale(messaging);
    this.tell(parts);
  }

  private image({ settings }: Parts): Image {
    const tag = new CfnParameter(this, 'ImageTag', {
      description: 'The tag of the image to run, which is the commit that it was built from',
      allowedPattern: '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}',
    });
    const repository = ecr.Repository.fromRepositoryName(this, 'Images', imageRepository(settings.name));
    return { repository, tag: tag.valueAsString };
  }

  private makeLoadBalancer({ settings, network, storage }: Parts): elb.ApplicationLoadBalancer {
    const balancer = new elb.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: network.vpc,
      vpcSubnets: PUBLIC,
      securityGroup: network.loadBalancer,
      internetFacing: true,
      deletionProtection: settings.keepData,
      dropInvalidHeaderFields: true,
      // Below the 75 s for which the program keeps idle connections: it must never be the
      // program that closes one just as a request is sent on it.
      idleTimeout: Duration.seconds(60),
    });
    balancer.logAccessLogs(storage.logs, 'load-balancer');
    return balancer;
  }

  private addListeners({ settings, network }: Parts): elb.ApplicationTargetGroup {
    const targets = new elb.ApplicationTargetGroup(this, 'Targets', {
      vpc: network.vpc,
      protocol: elb.ApplicationProtocol.HTTP,
      port: PORTS.program,
      targets: [this.services.serve.service],
      deregistrationDelay: Duration.seconds(30),
      healthCheck: {
        path: '/health/ready',
        healthyHttpCodes: '200',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
      // Streams and WebSockets stay where they are by being connections; nothing else
      // cares which task answers.
      loadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    });
    const certificate = ssm.StringParameter.valueForStringParameter(this, `/glassbox/${settings.name}/certificate-arn`);
    const https = this.loadBalancer.addListener('Https', {
      port: PORTS.https,
      protocol: elb.ApplicationProtocol.HTTPS,
      certificates: [elb.ListenerCertificate.fromArn(certificate)],
      sslPolicy: elb.SslPolicy.RECOMMENDED_TLS,
      open: false,
      defaultTargetGroups: [targets],
    });
    this.services.serve.service.node.addDependency(https);
    this.loadBalancer.addListener('Http', {
      port: 80,
      open: false,
      defaultAction: elb.ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
    });
    return targets;
  }

  private scale(messaging: Parts['messaging']): void {
    const period = Duration.minutes(1);
    const waiting = (queue: { metricApproximateNumberOfMessagesVisible(props: cloudwatch.MetricOptions): cloudwatch.Metric }) =>
      queue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' });
    const { serve, agentWorker, fileWorker } = this.services;
    const metric = this.loadBalancer.metrics.activeConnectionCount({ period, statistic: 'Sum' });
    serve.scaleWith({ name: 'Connections', metric, each: CONNECTIONS });
    agentWorker.scaleWith({ name: 'Jobs', metric: waiting(messaging.agent), each: JOBS });
    fileWorker.scaleWith({ name: 'Jobs', metric: waiting(messaging.file), each: JOBS });
  }

  private tell({ settings }: Parts): void {
    new CfnOutput(this, 'Entrance', {
      description: `Make ${settings.domain} an alias of this`,
      value: this.loadBalancer.loadBalancerDnsName,
    });
  }
}

/** The repository of an environment's images. */
export function imageRepository(environment: string): string {
  return `glassbox-${environment}`;
}
