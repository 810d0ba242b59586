/**
 * The monitoring: a topic for those who are on duty, an alarm for each thing that needs a
 * person, and a dashboard of the same figures.
 *
 * An alarm means that somebody must look; what heals by itself has none. Each says in its
 * description what to look at first.
 */

import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

import type { Compute } from './compute.ts';
import type { Parts } from './roles.ts';
import type { Service } from './service.ts';

const GIB = 1024 ** 3;
const { GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } = cloudwatch.ComparisonOperator;

/** When somebody is called, and what they are told. */
interface Watch {
  readonly name: string;
  readonly metric: cloudwatch.IMetric;
  readonly above?: number;
  readonly below?: number;
  /** Minutes that it must last. */
  readonly minutes: number;
  readonly look: string;
}

export class Monitoring extends Stack {
  private readonly topic: sns.Topic;
  private readonly watches: Watch[];

  constructor(scope: Construct, id: string, parts: Parts, compute: Compute, props: StackProps) {
    super(scope, id, props);
    this.topic = new sns.Topic(this, 'Alarms', { enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(parts.settings.alarmsTo));
    this.watches = [
      ...this.entrance(compute),
      ...this.roles(compute),
      ...this.queues(parts),
      ...this.database(parts),
      ...this.cache(parts),
    ];
    this.watches.forEach((watch) => this.alarm(watch));
    this.dashboard(parts);
  }

  private alarm({ name, metric, above, below, minutes, look }: Watch): void {
    const alarm = new cloudwatch.Alarm(this, name, {
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator: below === undefined ? GREATER_THAN_THRESHOLD : LESS_THAN_THRESHOLD,
      evaluationPeriods: minutes,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      alarmDescription: look,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }

  private dashboard({ settings }: Parts): void {
    const widgets = this.watches.map(
      ({ name, metric }) => new cloudwatch.GraphWidget({ title: name, left: [metric], width: 8, height: 5 }),
    );
    const rows = Array.from({ length: Math.ceil(widgets.length / 3) }, (_, n) => widgets.slice(3 * n, 3 * n + 3));
    new cloudwatch.Dashboard(this, 'Dashboard', { dashboardName: `glassbox-${settings.name}`, widgets: rows });
  }

  private entrance({ loadBalancer, targets }: Compute): Watch[] {
    const period = Duration.minutes(1);
    const failed = new cloudwatch.MathExpression({
      label: 'answers of 500 and above, %',
      expression: '100 * (FILL(ours, 0) + FILL(theirs, 0)) / IF(all > 0, all, 1)',
      usingMetrics: {
        ours: targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period, statistic: 'Sum' }),
        theirs: loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period, statistic: 'Sum' }),
        all: loadBalancer.metrics.requestCount({ period, statistic: 'Sum' }),
      },
      period,
    });
    return [
      {
        name: 'FailedRequests',
        metric: failed,
        above: 1,
        minutes: 5,
        look: 'More than 1 % of answers are 5xx. Look at serve’s log for level ERROR, then at /health.',
      },
      {
        name: 'SlowRequests',
        metric: targets.metrics.targetResponseTime({ period, statistic: 'p99' }),
        above: 2,
        minutes: 10,
        look: 'The slowest hundredth takes over 2 s. Look at the database’s load and at its slow statements.',
      },
      {
        name: 'TasksOutOfService',
        metric: targets.metrics.unhealthyHostCount({ period, statistic: 'Maximum' }),
        above: 0,
        minutes: 5,
        look: 'A task of serve is not ready. Look at its log, and whether the database takes connections.',
      },
    ];
  }

  private roles({ services, logs: groups, upkeep }: Compute): Watch[] {
    const cpu = Object.entries(services).map(([name, service]: [string, Service]) => ({
      name: `${name}Cpu`,
      metric: service.service.metricCpuUtilization({ period: Duration.minutes(1) }),
      above: 90,
      minutes: 15,
      look: 'Busy although it scales. Look whether it has reached its greatest number of tasks.',
    }));
    const errors = Object.entries(groups).map(([command, group]) => ({
      name: `Errors-${command}`,
      metric: this.errorsOf(command, group),
      // A command that ends says once why it failed; a service, again and again.
      ...(command === 'migrate'
        ? { above: 0, minutes: 1, look: 'migrate or index-vectors failed. Look at the last line of its log.' }
        : {
            above: 5,
            minutes: 5,
            look: `${command} logs errors, minute after minute. Look at its log for level ERROR.`,
          }),
    }));
    return [...cpu, ...errors, this.upkeep(upkeep)];
  }

  private upkeep({ group }: Compute['upkeep']): Watch {
    return {
      name: 'UpkeepNotStarted',
      metric: new cloudwatch.Metric({
        namespace: 'AWS/Scheduler',
        metricName: 'InvocationDroppedCount',
        dimensionsMap: { ScheduleGroup: group.name! },
        statistic: 'Sum',
        period: Duration.minutes(1),
      }),
      above: 0,
      minutes: 1,
      look: 'A task by the clock could not be started, time after time. Look at ECS and its limits, then run it by hand.',
    };
  }

  /** Lines of level ERROR, which the program writes for faults of ours only. */
  private errorsOf(command: string, logGroup: logs.ILogGroup): cloudwatch.Metric {
    const filter = new logs.MetricFilter(this, `ErrorsOf-${command}`, {
      logGroup,
      filterPattern: logs.FilterPattern.stringValue('$.level', '=', 'ERROR'),
      metricNamespace: this.stackName,
      metricName: `errors-${command}`,
      metricValue: '1',
      defaultValue: 0,
    });
    return filter.metric({ statistic: 'Sum', period: Duration.minutes(1) });
  }

  private queues({ messaging }: Parts): Watch[] {
    const period = Duration.minutes(1);
    const age = { agent: 600, file: 3600 };
    return (['agent', 'file'] as const).flatMap((name) => [
      {
        name: `${name}QueueAge`,
        metric: messaging[name].metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum' }),
        above: age[name],
        minutes: 5,
        look: `Work waits for over ${age[name] / 60} minutes. Look whether ${name}-worker runs and takes work.`,
      },
      {
        name: `${name}DeadLetters`,
        metric: messaging[`${name}Dead`].metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
        above: 0,
        minutes: 1,
        look: 'A message failed too often, which is a fault of ours. Find why in the log, then send it back.',
      },
    ]);
  }

  private database({ database, settings }: Parts): Watch[] {
    const { instance } = database;
    const period = Duration.minutes(1);
    return [
      {
        name: 'DatabaseCpu',
        metric: instance.metricCPUUtilization({ period }),
        above: 85,
        minutes: 15,
        look: 'Look at the statements that load the database in Database Insights.',
      },
      {
        name: 'DatabaseDisk',
        metric: instance.metricFreeStorageSpace({ period, statistic: 'Minimum' }),
        below: (settings.database.storageGiB / 10) * GIB,
        minutes: 5,
        look: 'The disk is nearly full, and did not grow by itself. Look at mostStorageGiB.',
      },
      {
        name: 'DatabaseConnections',
        metric: instance.metricDatabaseConnections({ period, statistic: 'Maximum' }),
        above: mostConnections(settings),
        minutes: 5,
        look: 'More connections than all tasks together may open. Look at who else connects.',
      },
    ];
  }

  private cache({ cache, settings }: Parts): Watch[] {
    // ElastiCache numbers the members of a group from 001.
    const nodes = Array.from({ length: settings.cache.replicas + 1 }, (_, n) => `00${n + 1}`);
    return nodes.map((node) => ({
      name: `CacheMemory-${node}`,
      metric: new cloudwatch.Metric({
        namespace: 'AWS/ElastiCache',
        metricName: 'DatabaseMemoryUsagePercentage',
        dimensionsMap: { CacheClusterId: `${cache.group.ref}-${node}` },
        period: Duration.minutes(1),
      }),
      above: 80,
      minutes: 10,
      look: 'It holds only counters of limits. Look at who else writes there.',
    }));
  }
}

/** What all tasks together may open, with one more each for signals and ten for people. */
function mostConnections(settings: Parts['settings']): number {
  const roles = [settings.serve, settings.agentWorker, settings.fileWorker];
  return 10 + roles.reduce((sum, { most, databaseConnections }) => sum + most * (databaseConnections + 1), 0);
}
