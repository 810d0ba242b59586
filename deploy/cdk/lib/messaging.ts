/**
 * The messaging: a queue of wake-ups for agents and one for files, each with a queue for
 * what could not be handled.
 *
 * The numbers are those of docs/TECHNICAL.md, "The queue". Standard queues, because the
 * program's message groups make organizations take turns in those.
 */

import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** The longest that SQS keeps a message, for people who look into what failed. */
const DEAD_LETTERS = Duration.days(14);

export class Messaging extends Stack {
  readonly agent: sqs.Queue;
  readonly agentDead: sqs.Queue;
  readonly file: sqs.Queue;
  readonly fileDead: sqs.Queue;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.agentDead = this.queue('AgentDead', DEAD_LETTERS);
    this.fileDead = this.queue('FileDead', DEAD_LETTERS);
    this.agent = this.queue('Agent', Duration.days(4), { queue: this.agentDead, maxReceiveCount: 10 });
    // A hundred is most of a day of tries. A message with `deleteKey` is the only place
    // that says which bytes must go, so this queue gives up late and keeps long.
    this.file = this.queue('File', Duration.days(14), { queue: this.fileDead, maxReceiveCount: 100 });
  }

  private queue(name: string, retentionPeriod: Duration, deadLetterQueue?: sqs.DeadLetterQueue): sqs.Queue {
    return new sqs.Queue(this, name, {
      retentionPeriod,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      receiveMessageWaitTime: Duration.seconds(20),
      ...(deadLetterQueue && { deadLetterQueue }),
    });
  }
}
