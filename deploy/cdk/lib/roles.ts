/**
 * The program's roles as tasks: what each is started with, and what it may do on AWS.
 *
 * This is the table to read when asking who may do what. A role has two sets of rights:
 * ECS reads its secrets before it starts (`secrets`), and the program itself may do what
 * `statements` say. The tests hold both to be exactly these.
 */

import { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';

import type { Settings, Size } from '../config/settings.ts';
import type { Auth } from './auth.ts';
import type { Cache } from './cache.ts';
import { APP_ROLE, type Database, NAME } from './database.ts';
import type { Messaging } from './messaging.ts';
import { INWARD, type Network, OUTWARD, PORTS } from './network.ts';
import type { Storage } from './storage.ts';

/** Above `server.shutdown_seconds`, after which the program has handed over its work. */
export const STOP_SECONDS = 60;

/** Named, so that roles and the delivery can speak of it before it is there. */
export function clusterName(settings: Settings): string {
  return `glassbox-${settings.name}`;
}

/** What the other stacks have. */
export interface Parts {
  readonly settings: Settings;
  readonly network: Network;
  readonly database: Database;
  readonly cache: Cache;
  readonly storage: Storage;
  readonly messaging: Messaging;
  readonly auth: Auth;
}

type Variables = Record<string, string>;
type Secrets = Record<string, ecs.Secret>;

export interface Role {
  /** The command of `glassbox`. */
  readonly command: 'serve' | 'agent-worker' | 'file-worker' | 'migrate';
  readonly size: Pick<Size, 'cpu' | 'memoryMiB'>;
  readonly group: ec2.SecurityGroup;
  readonly subnets: ec2.SubnetSelection;
  readonly variables: Variables;
  readonly secrets: Secrets;
  readonly statements: iam.PolicyStatement[];
  /** The bucket whose objects it has to do with. */
  readonly blobs?: s3.Bucket;
}

export function serve(parts: Parts): Role {
  const { settings, network, auth, messaging } = parts;
  return {
    command: 'serve',
    size: settings.serve,
    group: network.serve,
    subnets: OUTWARD,
    variables: {
      ...working(parts, settings.serve),
      ...shared(parts),
      GLASSBOX_SERVER__HOST: '0.0.0.0',
      GLASSBOX_SERVER__PORT: String(PORTS.program),
      GLASSBOX_SERVER__CORS_ORIGINS: settings.origins.join(','),
      // The load balancer, and nothing else, stands between.
      GLASSBOX_SERVER__TRUSTED_PROXIES: '1',
      GLASSBOX_OIDC__ISSUER: auth.issuer,
      GLASSBOX_OIDC__CLIENT_IDS: auth.client.userPoolClientId,
    },
    secrets: { ...workingSecrets(parts), ...models(parts), ...cacheToken(parts) },
    statements: [
      allow('SendJobs', ['sqs:SendMessage'], queues(messaging)),
      allow('TellHealth', ['sqs:GetQueueAttributes'], queues(messaging)),
      // It writes none itself: clients do, by addresses that are signed in its name and so can
      // do what it may.
      ...blobs(parts, ['s3:GetObject', 's3:PutObject']),
    ],
    blobs: parts.storage.blobs,
  };
}

export function agentWorker(parts: Parts): Role {
  const { settings, network, messaging } = parts;
  return {
    command: 'agent-worker',
    size: settings.agentWorker,
    group: network.agentWorker,
    subnets: OUTWARD,
    variables: { ...working(parts, settings.agentWorker), ...shared(parts) },
    secrets: { ...workingSecrets(parts), ...models(parts), ...cacheToken(parts) },
    statements: [
      takeJobs(messaging.agent.queueArn),
      protect(parts),
      // It writes outputs and large payloads, and removes payloads that no journal names.
      ...blobs(parts, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']),
    ],
    blobs: parts.storage.blobs,
  };
}

/**
 * Reads documents of strangers, so it has no way out of the VPC, and neither the models'
 * keys nor the vault's.
 */
export function fileWorker(parts: Parts): Role {
  const { settings, network, messaging } = parts;
  return {
    command: 'file-worker',
    size: settings.fileWorker,
    group: network.fileWorker,
    subnets: INWARD,
    variables: working(parts, settings.fileWorker),
    secrets: workingSecrets(parts),
    statements: [
      takeJobs(messaging.file.queueArn),
      protect(parts),
      // Text goes to the database. What nobody needs any more is removed here, for all roles.
      ...blobs(parts, ['s3:GetObject', 's3:DeleteObject']),
    ],
    blobs: parts.storage.blobs,
  };
}

/** The only one that has the owner's password, for as long as it runs; see also upkeep.ts. */
export function migrate(parts: Parts): Role {
  const { database, network } = parts;
  return {
    command: 'migrate',
    size: { cpu: 256, memoryMiB: 512 },
    group: network.migrate,
    subnets: INWARD,
    variables: everywhere(parts),
    secrets: {
      DATABASE_APP_PASSWORD: ecs.Secret.fromSecretsManager(database.app),
      DATABASE_OWNER_USER: ecs.Secret.fromSecretsManager(database.owner, 'username'),
      DATABASE_OWNER_PASSWORD: ecs.Secret.fromSecretsManager(database.owner, 'password'),
    },
    statements: [],
  };
}

/** What every task has. Names without our prefix are for deploy/image/start.sh. */
function everywhere({ settings, database }: Parts): Variables {
  return {
    GLASSBOX_ENV: settings.name,
    GLASSBOX_LOG__FORMAT: 'json',
    DATABASE_HOST: database.instance.dbInstanceEndpointAddress,
    DATABASE_NAME: NAME,
    DATABASE_APP_USER: APP_ROLE,
  };
}

/** What every task has that works on what people asked for. */
function working(parts: Parts, size: Size): Variables {
  const { settings, messaging, storage } = parts;
  return {
    ...everywhere(parts),
    GLASSBOX_SERVER__PUBLIC_URL: `https://${settings.domain}`,
    GLASSBOX_DATABASE__MAX_CONNECTIONS: String(size.databaseConnections),
    // Anybody could have one, and config/dev.toml would allow it.
    GLASSBOX_AUTH__DEV_TOKENS: 'false',
    GLASSBOX_QUEUE__KIND: 'sqs',
    GLASSBOX_QUEUE__REGION: settings.region,
    GLASSBOX_QUEUE__AGENT_URL: messaging.agent.queueUrl,
    GLASSBOX_QUEUE__FILE_URL: messaging.file.queueUrl,
    GLASSBOX_STORAGE__KIND: 's3',
    GLASSBOX_STORAGE__BUCKET: storage.blobs.bucketName,
    GLASSBOX_STORAGE__REGION: settings.region,
    GLASSBOX_MODELS__DEFAULT: settings.defaultModel,
    // Of all that there is only the scraper's group reaches that port.
    GLASSBOX_TELEMETRY__METRICS_LISTEN: `0.0.0.0:${PORTS.metrics}`,
  };
}

/** What the roles have that tell each other news. */
function shared({ cache, settings }: Parts): Variables {
  return { REDIS_HOST: cache.host, GLASSBOX_BUS__PREFIX: `glassbox-${settings.name}` };
}

function workingSecrets({ database, auth }: Parts): Secrets {
  return {
    DATABASE_APP_PASSWORD: ecs.Secret.fromSecretsManager(database.app),
    GLASSBOX_AUTH__SIGNING_KEY: ecs.Secret.fromSecretsManager(auth.signingKey),
  };
}

/** serve has them too: it answers whether a model is offered, and seals what organizations store. */
function models({ auth }: Parts): Secrets {
  return {
    GLASSBOX_VAULT__KEY: ecs.Secret.fromSecretsManager(auth.vaultKey),
    GLASSBOX_MODELS__OPENAI_API_KEY: ecs.Secret.fromSecretsManager(auth.modelKeys, 'openai'),
    GLASSBOX_MODELS__ANTHROPIC_API_KEY: ecs.Secret.fromSecretsManager(auth.modelKeys, 'anthropic'),
  };
}

function cacheToken({ cache }: Parts): Secrets {
  return { REDIS_TOKEN: ecs.Secret.fromSecretsManager(cache.token) };
}

function queues(messaging: Messaging): string[] {
  return [messaging.agent.queueArn, messaging.file.queueArn];
}

function takeJobs(queue: string): iam.PolicyStatement {
  return allow('TakeJobs', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'], [queue]);
}

/** Lets a worker say that scaling in and deployments should spare it while it works. */
function protect({ settings, network }: Parts): iam.PolicyStatement {
  const { region, account } = Stack.of(network);
  const tasks = `arn:aws:ecs:${region}:${account}:task/${clusterName(settings)}/*`;
  return allow('ProtectOwnTask', ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'], [tasks]);
}

/**
 * What a role may do with blobs. Everyone may list, without which S3 calls a missing object
 * forbidden. The bucket's key is for use through S3 alone.
 */
function blobs({ storage, settings }: Parts, actions: string[]): iam.PolicyStatement[] {
  const writes = actions.includes('s3:PutObject');
  const key = allow('UseKeyOfBlobs', ['kms:Decrypt', ...(writes ? ['kms:GenerateDataKey'] : [])], [storage.key.keyArn]);
  key.addCondition('StringEquals', { 'kms:ViaService': `s3.${settings.region}.amazonaws.com` });
  return [
    allow('KeepBlobs', actions, [storage.blobs.arnForObjects('*')]),
    allow('ListBlobs', ['s3:ListBucket'], [storage.blobs.bucketArn]),
    key,
  ];
}

function allow(sid: string, actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources });
}
