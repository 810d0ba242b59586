/** A role of which some tasks always run, more of them when there is more to do. */

import { Duration } from 'aws-cdk-lib';
import * as scaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';

import type { Size } from '../config/settings.ts';
import type { Role } from './roles.ts';
import type { Task } from './task.ts';

/** Something of which each running task should have so much, and not more. */
export interface Load {
  readonly name: string;
  readonly metric: cloudwatch.Metric;
  readonly each: number;
}

const SCALE_OUT_AFTER = Duration.minutes(1);
/** Slowly, because what is scaled in hands over its work. */
const SCALE_IN_AFTER = Duration.minutes(5);

export class Service extends Construct {
  readonly service: ecs.FargateService;
  private readonly tasks: ecs.ScalableTaskCount;

  constructor(scope: Construct, id: string, cluster: ecs.Cluster, task: Task, role: Role, size: Size) {
    super(scope, id);
    this.service = new ecs.FargateService(this, 'Service', {
      serviceName: role.command,
      cluster,
      taskDefinition: task.definition,
      // How many there are is the scaling's to say: a number here would be set anew by each
      // deployment, in the middle of a busy day.
      // New ones start before old ones stop.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      // A version that does not come up is taken back without anybody.
      circuitBreaker: { enable: true, rollback: true },
      securityGroups: [role.group],
      vpcSubnets: role.subnets,
      assignPublicIp: false,
      enableExecuteCommand: false,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      ...(role.command === 'serve' && { healthCheckGracePeriod: Duration.seconds(60) }),
    });
    // The rights of its roles first, or it would try to start without them.
    this.service.node.addDependency(task);
    this.tasks = this.service.autoScaleTaskCount({ minCapacity: size.least, maxCapacity: size.most });
    this.tasks.scaleOnCpuUtilization('Cpu', {
      targetUtilizationPercent: 60,
      scaleInCooldown: SCALE_IN_AFTER,
      scaleOutCooldown: SCALE_OUT_AFTER,
    });
  }

  /**
   * Grows with `load` too. Both are targets: one of them is enough to scale out, and all
   * must agree to scale in. That is why this is no step scaling, of which a quiet queue
   * would take tasks away that are needed for their processors.
   */
  scaleWith({ name, metric, each }: Load): void {
    const target = this.tasks.node.findChild('Target') as scaling.ScalableTarget;
    const metrics = [
      stat('load', metric),
      stat('running', this.runningTasks()),
      // No task, as at the very start, counts as one.
      { id: 'each', expression: 'FILL(load, 0) / IF(running > 0, running, 1)', returnData: true },
    ];
    new scaling.CfnScalingPolicy(this, name, {
      policyName: name,
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.scalableTargetId,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: each,
        customizedMetricSpecification: { metrics },
        scaleInCooldown: SCALE_IN_AFTER.toSeconds(),
        scaleOutCooldown: SCALE_OUT_AFTER.toSeconds(),
      },
    });
  }

  private runningTasks(): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'ECS/ContainerInsights',
      metricName: 'RunningTaskCount',
      dimensionsMap: {
        ClusterName: this.service.cluster.clusterName,
        ServiceName: this.service.serviceName,
      },
      statistic: 'Average',
    });
  }
}

/** A metric in the words of a scaling policy. */
function stat(id: string, metric: cloudwatch.Metric): scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty {
  const { namespace, metricName, dimensions = {}, statistic } = metric;
  const named = Object.entries(dimensions).map(([name, value]) => ({ name, value: String(value) }));
  const what = { namespace, metricName, dimensions: named };
  return { id, metricStat: { metric: what, stat: statistic }, returnData: false };
}
