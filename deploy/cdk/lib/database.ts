/**
 * The database: Postgres with pgvector on RDS, encrypted, with backups to any second.
 *
 * Two roles use it. The owner is RDS's master user: its password is made, kept and
 * changed every week by RDS itself, and only `migrate` reads it. The application's role
 * is made by `migrate` with the password that is made here; it owns nothing and can't get
 * around row-level security.
 */

import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal, retention } from './data.ts';
import { INWARD, type Network, PORTS } from './network.ts';
import { PROGRAM } from './program.ts';

/** The name of the database. */
export const NAME = 'glassbox';
/** The program's migrations grant to the application's role by its name. */
export const APP_ROLE = 'glassbox_app';
const OWNER = 'glassbox_owner';
// A minor version, so that a synthesis is the same next year. RDS raises it by itself.
const ENGINE = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18_3 });

export class Database extends Stack {
  readonly instance: rds.DatabaseInstance;
  /** {"username", "password"} of the owner; RDS changes it. */
  readonly owner: secrets.ISecret;
  /** The password of the application's role. */
  readonly app: secrets.Secret;

  constructor(scope: Construct, id: string, settings: Settings, network: Network, props: StackProps) {
    super(scope, id, props);
    this.app = this.makeAppPassword(settings);
    this.instance = this.makeInstance(settings, network);
    this.owner = ownerSecret(this, this.instance);
    Validations.of(this.instance).acknowledge({
      id: 'AwsSolutions-RDS11',
      reason: 'The port is no secret: only four security groups reach it, in subnets without a way out.',
    });
    if (!settings.database.multiZone) {
      Validations.of(this.instance).acknowledge({
        id: 'AwsSolutions-RDS3',
        reason: 'Not production: hours without it cost less than a second machine.',
      });
    }
    if (!settings.keepData) {
      Validations.of(this.instance).acknowledge({
        id: 'AwsSolutions-RDS10',
        reason: 'Not production: this environment is made to be taken down again.',
      });
    }
  }

  private makeInstance(settings: Settings, network: Network): rds.DatabaseInstance {
    const { instance, storageGiB, mostStorageGiB, multiZone, backupDays } = settings.database;
    const instanceIdentifier = `glassbox-${settings.name}`;
    // Made here, before RDS makes it by itself and keeps all of it for ever.
    const log = new logs.LogGroup(this, 'Log', {
      logGroupName: `/aws/rds/instance/${instanceIdentifier}/postgresql`,
      retention: retention(settings),
      removalPolicy: removal(settings),
    });
    const postgres = new rds.DatabaseInstance(this, 'Postgres', {
      instanceIdentifier,
      engine: ENGINE,
      instanceType: new ec2.InstanceType(instance),
      vpc: network.vpc,
      vpcSubnets: INWARD,
      securityGroups: [network.database],
      port: PORTS.database,
      publiclyAccessible: false,
      databaseName: NAME,
      credentials: rds.Credentials.fromUsername(OWNER),
      manageMasterUserPassword: true,
      multiAz: multiZone,
      storageType: rds.StorageType.GP3,
      allocatedStorage: storageGiB,
      maxAllocatedStorage: mostStorageGiB,
      storageEncrypted: true,
      parameterGroup: this.makeParameters(),
      backupRetention: Duration.days(backupDays),
      copyTagsToSnapshot: true,
      deletionProtection: settings.keepData,
      removalPolicy: settings.keepData ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
      deleteAutomatedBackups: !settings.keepData,
      autoMinorVersionUpgrade: true,
      preferredBackupWindow: '02:00-03:00',
      preferredMaintenanceWindow: 'sun:03:30-sun:04:30',
      databaseInsightsMode: rds.DatabaseInsightsMode.STANDARD,
      enablePerformanceInsights: true,
      performanceInsightRetention: rds.PerformanceInsightRetention.DEFAULT,
      cloudwatchLogsExports: ['postgresql'],
    });
    postgres.node.addDependency(log);
    return postgres;
  }

  private makeParameters(): rds.ParameterGroup {
    return new rds.ParameterGroup(this, 'Parameters', {
      engine: ENGINE,
      description: 'GlassBox',
      parameters: {
        // See program.ts: RDS takes connections without TLS as long as the program makes such.
        'rds.force_ssl': PROGRAM.postgresTls ? '1' : '0',
        // Statements slower than a second are in the log, without their values.
        log_min_duration_statement: '1000',
        log_parameter_max_length: '0',
        log_lock_waits: '1',
        // Ends a transaction that somebody forgot, before it holds up the vacuum.
        idle_in_transaction_session_timeout: '60000',
        'pg_stat_statements.track': 'top',
        shared_preload_libraries: 'pg_stat_statements',
      },
    });
  }

  private makeAppPassword(settings: Settings): secrets.Secret {
    const secret = new secrets.Secret(this, 'App', {
      description: `Password of ${APP_ROLE}`,
      generateSecretString: { passwordLength: 40, excludePunctuation: true },
      removalPolicy: removal(settings),
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Tasks read it when they start, so it is changed together with them; docs/DEPLOYMENT.md says how.',
    });
    return secret;
  }
}

/** The secret that RDS keeps the owner's password in. */
function ownerSecret(scope: Construct, instance: rds.DatabaseInstance): secrets.ISecret {
  if (instance.secret) return instance.secret;
  const found = (instance.node.defaultChild as rds.CfnDBInstance).attrMasterUserSecretSecretArn;
  return secrets.Secret.fromSecretCompleteArn(scope, 'Owner', found);
}
