/** What must hold of the templates, in each environment. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parse } from 'smol-toml';

import { environments } from '../config/settings.ts';
import { STOP_SECONDS } from '../lib/roles.ts';
import { actionsOf, type Json, ofType, type Properties, synthesize } from './templates.ts';

const CONFIG = new URL('../../../config/', import.meta.url);
const RUNBOOK = readFileSync(new URL('../../../docs/RUNBOOK.md', import.meta.url), 'utf8');
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

  test(`${name}: the figures of the three services are for the scraper's group, and no load balancer's`, () => {
    const ways = all('AWS::EC2::SecurityGroupIngress').filter(({ properties }) => properties.FromPort === 9464);
    assert.equal(ways.length, 3);
    for (const { properties } of ways) assert.match(JSON.stringify(properties.SourceSecurityGroupId), /Scraper/);
    for (const type of ['AWS::ElasticLoadBalancingV2::TargetGroup', 'AWS::ElasticLoadBalancingV2::Listener']) {
      for (const { text } of all(type)) assert.doesNotMatch(text, /9464/);
    }
  });

  test(`${name}: nobody is allowed a wildcard of actions`, () => {
    let statements = 0;
    for (const type of ['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy', 'AWS::EC2::VPCEndpoint']) {
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
    assert.equal(all('AWS::EFS::FileSystem').length, 0);
  });

  test(`${name}: blobs have a key of their own, and what was deleted can be had back for a month`, () => {
    const { properties, text } = blobs(templates);
    assert.match(text, /"BucketKeyEnabled":true,.*"KMSMasterKeyID".*"SSEAlgorithm":"aws:kms"/);
    assert.equal(all('AWS::KMS::Key')[0]!.properties.EnableKeyRotation, true);
    assert.equal(properties.VersioningConfiguration.Status, 'Enabled');
    assert.match(text, /"NoncurrentVersionExpiration":\{"NoncurrentDays":30\}/);
    assert.match(text, /"AbortIncompleteMultipartUpload":\{"DaysAfterInitiation":2\}/);
  });

  test(`${name}: pages of the app, and no others, may send the headers that uploads are signed with`, () => {
    const [rule, ...more] = blobs(templates).properties.CorsConfiguration.CorsRules;
    assert.equal(more.length, 0);
    assert.deepEqual(rule.AllowedOrigins, settings.origins);
    assert.ok(rule.AllowedMethods.includes('PUT'));
    assert.deepEqual(rule.AllowedHeaders, ['content-type', 'if-none-match', 'x-amz-*']);
  });

  test(`${name}: who has no way out reaches buckets of this account alone, and layers of images`, () => {
    const gateways = all('AWS::EC2::VPCEndpoint').filter(({ properties }) => properties.VpcEndpointType === 'Gateway');
    assert.equal(gateways.length, 2);
    const inward = gateways.find(({ text }) => text.includes('inwardSubnet'))!;
    assert.doesNotMatch(inward.text, /outwardSubnet/);
    const [ours, layers, ...more] = inward.properties.PolicyDocument.Statement;
    assert.equal(more.length, 0);
    assert.deepEqual(ours.Condition, { StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } });
    assert.match(layers.Resource, /starport-layer-bucket\/\*$/);
  });

  test(`${name}: what holds data resists deletion exactly where the settings say`, () => {
    const [database, pool, balancer] = ['AWS::RDS::DBInstance', 'AWS::Cognito::UserPool', 'AWS::ElasticLoadBalancingV2::LoadBalancer'].map((type) => all(type)[0]!);
    assert.equal(database!.properties.DeletionProtection, settings.keepData);
    assert.equal(pool!.properties.DeletionProtection === 'ACTIVE', settings.keepData);
    assert.ok(balancer!.text.includes(`"deletion_protection.enabled","Value":"${settings.keepData}"`));
    for (const type of ['AWS::S3::Bucket', 'AWS::KMS::Key']) {
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
    assert.deepEqual(secretsOf(templates, 'file-worker'), ['DATABASE_APP_PASSWORD', 'GLASSBOX_AUTH__SIGNING_KEY']);
    for (const command of ['serve', 'agent-worker']) {
      assert.ok(!secretsOf(templates, command).some((variable) => variable.includes('OWNER')), command);
    }
  });

  test(`${name}: a role may do exactly what it needs`, () => {
    const rights = (role: string) => actionsOf(policyOf(templates, role)).sort();
    const take = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'];
    const protect = ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'];
    const [list, read, write, remove] = ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'] as const;
    const seal = 'kms:GenerateDataKey';
    const open = 'kms:Decrypt';
    assert.deepEqual(rights('Serve'), [open, seal, read, list, write, 'sqs:GetQueueAttributes', 'sqs:SendMessage']);
    assert.deepEqual(rights('AgentWorker'), [...protect, open, seal, remove, read, list, write, ...take]);
    assert.deepEqual(rights('FileWorker'), [...protect, open, remove, read, list, ...take]);
    assert.equal(policyOf(templates, 'Migrate'), undefined);
  });

  test(`${name}: rights on blobs are those on this one bucket and, through S3, on its key`, () => {
    for (const role of ['Serve', 'AgentWorker', 'FileWorker']) {
      const statements = policyOf(templates, role)!.PolicyDocument.Statement as Properties[];
      const of = (prefix: string) => statements.filter(({ Action }) => [Action].flat()[0].startsWith(prefix));
      for (const { Resource } of of('s3:')) assert.match(JSON.stringify(Resource), /^\{.*-storage:ExportsOutputFnGetAttBlobs/);
      const [key, ...more] = of('kms:');
      assert.equal(more.length, 0);
      assert.match(JSON.stringify(key!.Resource), /-storage:ExportsOutputFnGetAttKey/);
      assert.deepEqual(key!.Condition, { StringEquals: { 'kms:ViaService': `s3.${settings.region}.amazonaws.com` } });
    }
  });

  test(`${name}: those who work keep blobs in the bucket, and need no secret for it`, () => {
    for (const { properties } of all('AWS::ECS::TaskDefinition')) {
      const { Command, Environment } = container(properties);
      const storage = Object.fromEntries(
        (Environment as { Name: string; Value: Json }[])
          .filter(({ Name }) => Name.startsWith('GLASSBOX_STORAGE__'))
          .map(({ Name, Value }) => [Name, JSON.stringify(Value)]),
      );
      if (Command[0] === 'migrate') assert.deepEqual(storage, {});
      else {
        const { GLASSBOX_STORAGE__KIND: kind, GLASSBOX_STORAGE__BUCKET: bucket, GLASSBOX_STORAGE__REGION: region } = storage;
        assert.deepEqual([kind, region, Object.keys(storage).length], ['"s3"', `"${settings.region}"`, 3]);
        assert.match(bucket!, /-storage:ExportsOutputRefBlobs/);
      }
      assert.doesNotMatch(JSON.stringify(properties), /URL_SECRET|EFSVolumeConfiguration/);
    }
  });

  test(`${name}: vectors are indexed every night, by the task that has the owner's password`, () => {
    const [schedule, ...more] = all('AWS::Scheduler::Schedule');
    assert.equal(more.length, 0);
    const { ScheduleExpression, State = 'ENABLED', Target } = schedule!.properties;
    assert.deepEqual([ScheduleExpression, State], ['cron(30 2 * * ? *)', 'ENABLED']);
    assert.deepEqual(JSON.parse(Target.Input), { containerOverrides: [{ name: 'glassbox', command: ['index-vectors'] }] });
    const { EcsParameters } = Target;
    assert.match(JSON.stringify(EcsParameters.TaskDefinitionArn), /MigrateDefinition/);
    assert.equal(EcsParameters.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp, 'DISABLED');
    // The new image's command needs the new schema.
    assert.ok(schedule!.dependsOn.includes(all('Custom::Migration')[0]!.id));
    const upkeep = all('AWS::IAM::Policy').find(({ id }) => id.startsWith('UpkeepRole'))!;
    assert.deepEqual(actionsOf(upkeep.properties).sort(), ['ecs:RunTask', 'iam:PassRole']);
    assert.match(upkeep.text, /"ecs:cluster"/);
    assert.match(upkeep.text, /"iam:PassedToService":"ecs-tasks\.amazonaws\.com"/);
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

  test(`${name}: every alarm is in the runbook, and the runbook has no other`, () => {
    const alarms = templates.monitoring!.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
    // CDK makes an id of the name's letters and figures, and eight figures of a hash.
    const there = alarms.map(({ id }) => id.slice(0, -8));
    const told = alarmsOfRunbook();
    assert.ok(told.length >= 15);
    for (const alarm of there) assert.equal(told.filter((entry) => entry.test(alarm)).length, 1, `RUNBOOK.md on ${alarm}`);
    for (const entry of told) assert.ok(there.some((alarm) => entry.test(alarm)), `no alarm is called ${entry}`);
  });

  test(`${name}: GitHub may come from this environment of this repository alone`, () => {
    const role = templates.delivery!.find(({ type }) => type === 'AWS::IAM::Role')!;
    assert.ok(role.text.includes(`:sub":"repo:${settings.delivery.repository}:environment:${name}"`));
    assert.doesNotMatch(role.text, /StringLike/);
  });
}

/** The names in the first column of the runbook's table of alarms; “…” stands for a number. */
function alarmsOfRunbook(): RegExp[] {
  const table = RUNBOOK.split('\n## Alarms\n')[1]!.split('\n#')[0]!;
  const cells = table.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|')[1]!);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, found]) => found!));
  return names.map((found) => new RegExp(`^${found.replaceAll('-', '').replace('…', '\\d+')}$`));
}

function container(properties: Properties): Properties {
  return (properties.ContainerDefinitions as Properties[])[0]!;
}

/** The bucket of blobs; the other one has logs. */
function blobs(templates: ReturnType<typeof synthesize>) {
  return ofType(templates, 'AWS::S3::Bucket').find(({ id }) => id.startsWith('Blobs'))!;
}

/** What a role of the program may do; none where it may do nothing. */
function policyOf(templates: ReturnType<typeof synthesize>, role: string): Properties | undefined {
  return ofType(templates, 'AWS::IAM::Policy').find(({ id }) => id.startsWith(`${role}RoleDefaultPolicy`))?.properties;
}

function variables(properties: Properties): string[] {
  const { Environment, Secrets } = container(properties) as { Environment: { Name: string }[]; Secrets: { Name: string }[] };
  return [...Environment, ...Secrets].map(({ Name }) => Name);
}

function secretsOf(templates: ReturnType<typeof synthesize>, command: string): string[] {
  const task = ofType(templates, 'AWS::ECS::TaskDefinition').find(({ properties }) => (container(properties).Command as string[])[0] === command);
  return (container(task!.properties).Secrets as { Name: string }[]).map(({ Name }) => Name).sort();
}
