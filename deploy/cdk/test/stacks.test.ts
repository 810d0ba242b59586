/** What must hold of the templates, in each environment. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parse } from 'smol-toml';

import { environments } from '../config/settings.ts';
import { STOP_SECONDS } from '../lib/roles.ts';
import { actionsOf, type Json, ofType, type Properties, synthesize } from './templates.ts';

const CONFIG = new URL('../../../config/', import.meta.url);
const defaults = parse(readFileSync(new URL('default.toml', CONFIG), 'utf8')) as Record<string, Record<string, Json>>;

test('environments have the names of files in config/', () => {
  const files = readdirSync(CONFIG).map((name) => name.replace('.toml', ''));
  for (const { name } of environments) assert.ok(files.includes(name), name);
});

for (const settings of environments) {
  const { name } = settings;
  const templates = synthesize(settings);
  const all = (type: string) => ofType(templates, type);

  test(`${name}: no database can be reached from outside, and each is encrypted and backed up`, () => {
    const found = all('AWS::RDS::DBInstance');
    assert.equal(found.length, 1);
    for (const { properties } of found) {
      assert.equal(properties.PubliclyAccessible, false);
      assert.equal(properties.StorageEncrypted, true);
      assert.equal(properties.ManageMasterUserPassword, true);
      assert.equal(properties.MasterUserPassword, undefined);
      assert.ok(Number(properties.BackupRetentionPeriod) >= 1);
    }
  });

  test(`${name}: only the load balancer takes what comes from everywhere`, () => {
    const open = all('AWS::EC2::SecurityGroup').filter(({ text }) => text.includes('0.0.0.0/0') && text.includes('"SecurityGroupIngress":[{"CidrIp":"0.0.0.0/0"'));
    assert.equal(open.length, 1);
    assert.match(open[0]!.id, /^LoadBalancer/);
    for (const { text } of all('AWS::EC2::SecurityGroupIngress')) assert.doesNotMatch(text, /CidrIp/);
  });

  test(`${name}: nobody is allowed a wildcard of actions`, () => {
    let statements = 0;
    for (const type of ['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy', 'AWS::EFS::FileSystem']) {
      for (const { id, properties } of all(type)) {
        for (const action of actionsOf(properties)) {
          statements += 1;
          assert.doesNotMatch(action, /\*/, `${id} allows ${action}`);
        }
      }
    }
    assert.ok(statements > 20);
    assert.equal(all('AWS::IAM::User').length, 0);
    for (const { id, properties } of all('AWS::IAM::Role')) assert.equal(properties.ManagedPolicyArns, undefined, id);
  });

  test(`${name}: every queue is encrypted and has a dead-letter queue, or is one`, () => {
    const queues = all('AWS::SQS::Queue');
    assert.equal(queues.length, 4);
    for (const { id, properties } of queues) {
      assert.equal(properties.SqsManagedSseEnabled, true, id);
      assert.equal('RedrivePolicy' in properties, !/Dead/.test(id), id);
    }
    assert.equal(all('AWS::SQS::QueuePolicy').length, 4);
  });

  test(`${name}: every bucket is closed, encrypted and asks for TLS`, () => {
    const buckets = all('AWS::S3::Bucket');
    assert.equal(buckets.length, 2);
    const closed = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
    for (const { properties } of buckets) {
      assert.deepEqual(properties.PublicAccessBlockConfiguration, closed);
      assert.ok(properties.BucketEncryption);
    }
    for (const { text } of all('AWS::S3::BucketPolicy')) assert.match(text, /"aws:SecureTransport":"false"/);
  });

  test(`${name}: what holds data resists deletion exactly where the settings say`, () => {
    const [database, pool, balancer] = ['AWS::RDS::DBInstance', 'AWS::Cognito::UserPool', 'AWS::ElasticLoadBalancingV2::LoadBalancer'].map((type) => all(type)[0]!);
    assert.equal(database!.properties.DeletionProtection, settings.keepData);
    assert.equal(pool!.properties.DeletionProtection === 'ACTIVE', settings.keepData);
    assert.ok(balancer!.text.includes(`"deletion_protection.enabled","Value":"${settings.keepData}"`));
    for (const type of ['AWS::S3::Bucket', 'AWS::EFS::FileSystem']) {
      for (const one of all(type)) assert.equal(one.deletionPolicy === 'Retain', settings.keepData, one.id);
    }
    if (name === 'production') assert.ok(settings.keepData);
  });

  test(`${name}: each variable of a task is a setting of the program`, () => {
    const seen = new Set<string>();
    for (const { properties } of all('AWS::ECS::TaskDefinition')) {
      for (const variable of variables(properties)) seen.add(variable);
    }
    const ours = [...seen].filter((variable) => variable.startsWith('GLASSBOX_') && variable !== 'GLASSBOX_ENV');
    assert.ok(ours.length > 15);
    for (const variable of ours) {
      const [section = '', key = ''] = variable.slice('GLASSBOX_'.length).toLowerCase().split('__');
      assert.ok(key in (defaults[section] ?? {}), `${variable} is not in config/default.toml`);
    }
  });

  test(`${name}: secrets come from Secrets Manager, and only to those who need them`, () => {
    const secret = /PASSWORD|TOKEN$|_KEY$|SECRET/;
    for (const { properties } of all('AWS::ECS::TaskDefinition')) {
      for (const { Name } of container(properties).Environment as { Name: string }[]) assert.doesNotMatch(Name, secret);
    }
    assert.deepEqual(secretsOf(templates, 'migrate'), ['DATABASE_APP_PASSWORD', 'DATABASE_OWNER_PASSWORD', 'DATABASE_OWNER_USER']);
    assert.deepEqual(secretsOf(templates, 'file-worker'), ['DATABASE_APP_PASSWORD', 'GLASSBOX_AUTH__SIGNING_KEY', 'GLASSBOX_STORAGE__URL_SECRET']);
    for (const command of ['serve', 'agent-worker']) {
      assert.ok(!secretsOf(templates, command).some((variable) => variable.includes('OWNER')), command);
    }
  });

  test(`${name}: a role may do exactly what it needs`, () => {
    const rights = (role: string) =>
      all('AWS::IAM::Policy').filter(({ id }) => id.startsWith(`${role}RoleDefaultPolicy`)).flatMap(({ properties }) => actionsOf(properties)).sort();
    const mount = ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'];
    const take = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'];
    const protect = ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'];
    assert.deepEqual(rights('Serve'), [...mount, 'sqs:GetQueueAttributes', 'sqs:SendMessage']);
    assert.deepEqual(rights('AgentWorker'), [...protect, ...mount, ...take]);
    assert.deepEqual(rights('FileWorker'), [...protect, ...mount, ...take]);
    assert.deepEqual(rights('Migrate'), []);
  });

  test(`${name}: tasks run as nobody special on a read-only disk, and have time to hand over`, () => {
    const tasks = all('AWS::ECS::TaskDefinition');
    assert.equal(tasks.length, 4);
    const drain = Number(defaults.server?.shutdown_seconds);
    assert.ok(drain > 0 && STOP_SECONDS > drain + 5);
    for (const { properties } of tasks) {
      const { ReadonlyRootFilesystem, User, StopTimeout, Privileged } = container(properties);
      assert.deepEqual([ReadonlyRootFilesystem, User, Privileged], [true, '10001:10001', false]);
      // Fargate gives no more than 120.
      assert.ok(Number(StopTimeout) === STOP_SECONDS && STOP_SECONDS <= 120);
    }
    for (const { text } of all('AWS::ECS::Service')) assert.match(text, /"AssignPublicIp":"DISABLED"/);
  });

  test(`${name}: roles scale by processors, and by connections or by what waits`, () => {
    const policies = all('AWS::ApplicationAutoScaling::ScalingPolicy');
    const count = (word: string) => policies.filter(({ text }) => text.includes(word)).length;
    assert.equal(count('ECSServiceAverageCPUUtilization'), 3);
    assert.equal(count('"MetricName":"ActiveConnectionCount"'), 1);
    assert.equal(count('"MetricName":"ApproximateNumberOfMessagesVisible"'), 2);
    for (const { properties } of all('AWS::ApplicationAutoScaling::ScalableTarget')) assert.ok(Number(properties.MinCapacity) >= 1);
    for (const { properties } of all('AWS::ECS::Service')) assert.equal(properties.DesiredCount, undefined);
  });

  test(`${name}: migrate has run before any service changes`, () => {
    const [migration, ...more] = all('Custom::Migration');
    assert.equal(more.length, 0);
    assert.match(JSON.stringify(migration!.properties.taskDefinition), /MigrateDefinition/);
    assert.match(String(migration!.dependsOn), /MigrateStartRoleDefaultPolicy/);
    const services = all('AWS::ECS::Service');
    assert.equal(services.length, 3);
    for (const { dependsOn } of services) assert.ok(dependsOn.includes(migration!.id));
    for (const { text } of services) assert.match(text, /"DeploymentCircuitBreaker":\{"Enable":true,"Rollback":true\}/);
  });

  test(`${name}: clients speak TLS, and are told so when they don’t`, () => {
    const listeners = all('AWS::ElasticLoadBalancingV2::Listener');
    assert.equal(listeners.length, 2);
    for (const { properties, text } of listeners) {
      if (properties.Protocol === 'HTTPS') assert.match(String(properties.SslPolicy), /TLS13/);
      else assert.match(text, /"Type":"redirect"/);
    }
    const [cache] = all('AWS::ElastiCache::ReplicationGroup');
    assert.equal(cache!.properties.TransitEncryptionEnabled, true);
    assert.match(JSON.stringify(cache!.properties.AuthToken), /resolve:secretsmanager/);
  });

  test(`${name}: every alarm tells somebody and says what to look at`, () => {
    const alarms = templates.monitoring!.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
    assert.ok(alarms.length >= 15);
    for (const { id, properties } of alarms) {
      assert.equal((properties.AlarmActions as unknown[]).length, 1, id);
      assert.match(String(properties.AlarmDescription), /(^|\. )(Look|Find) /, id);
    }
  });

  test(`${name}: GitHub may come from this environment of this repository alone`, () => {
    const role = templates.delivery!.find(({ type }) => type === 'AWS::IAM::Role')!;
    assert.ok(role.text.includes(`:sub":"repo:${settings.delivery.repository}:environment:${name}"`));
    assert.doesNotMatch(role.text, /StringLike/);
  });
}

function container(properties: Properties): Properties {
  return (properties.ContainerDefinitions as Properties[])[0]!;
}

function variables(properties: Properties): string[] {
  const { Environment, Secrets } = container(properties) as { Environment: { Name: string }[]; Secrets: { Name: string }[] };
  return [...Environment, ...Secrets].map(({ Name }) => Name);
}

function secretsOf(templates: ReturnType<typeof synthesize>, command: string): string[] {
  const task = ofType(templates, 'AWS::ECS::TaskDefinition').find(({ properties }) => (container(properties).Command as string[])[0] === command);
  return (container(task!.properties).Secrets as { Name: string }[]).map(({ Name }) => Name).sort();
}
