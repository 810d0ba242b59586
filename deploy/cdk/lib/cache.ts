/**
 * The cache: Valkey on ElastiCache, with TLS and a token.
 *
 * It has news between processes and the counters of rate limits, nothing that has to be
 * kept: no snapshots, and the program works without it. Cluster mode is off, because the
 * program speaks to one primary.
 */

import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal } from './data.ts';
import { INWARD, type Network, PORTS } from './network.ts';

export class Cache extends Stack {
  /** The host name of the primary, also after a fail-over. */
  readonly host: string;
  readonly token: secrets.Secret;
  readonly group: elasticache.CfnReplicationGroup;

  constructor(scope: Construct, id: string, settings: Settings, network: Network, props: StackProps) {
    super(scope, id, props);
    this.token = this.makeToken(settings);
    this.group = this.makeGroup(settings, network);
    this.host = this.group.attrPrimaryEndPointAddress;
    Validations.of(this.group).acknowledge({
      id: 'AwsSolutions-AEC5',
      reason: 'The port is no secret: two security groups reach it, in subnets without a way out.',
    });
    if (!isMultiZone(settings)) {
      Validations.of(this.group).acknowledge({
        id: 'AwsSolutions-AEC4',
        reason: 'Not production, and the program works while it is away.',
      });
    }
  }

  private makeGroup(settings: Settings, network: Network): elasticache.CfnReplicationGroup {
    const subnets = new elasticache.CfnSubnetGroup(this, 'Subnets', {
      description: 'GlassBox',
      subnetIds: network.vpc.selectSubnets(INWARD).subnetIds,
    });
    return new elasticache.CfnReplicationGroup(this, 'Valkey', {
      replicationGroupDescription: 'News and rate limits of GlassBox',
      engine: 'valkey',
      engineVersion: '8.0',
      cacheNodeType: settings.cache.node,
      numNodeGroups: 1,
      replicasPerNodeGroup: settings.cache.replicas,
      automaticFailoverEnabled: isMultiZone(settings),
      multiAzEnabled: isMultiZone(settings),
      cacheSubnetGroupName: subnets.ref,
      securityGroupIds: [network.cache.securityGroupId],
      port: PORTS.cache,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      atRestEncryptionEnabled: true,
      // A reference that CloudFormation resolves; the token is in no template.
      authToken: this.token.secretValue.unsafeUnwrap(),
      snapshotRetentionLimit: 0,
      autoMinorVersionUpgrade: true,
      preferredMaintenanceWindow: 'sun:04:30-sun:05:30',
    });
  }

  private makeToken(settings: Settings): secrets.Secret {
    const token = new secrets.Secret(this, 'Token', {
      description: 'Token of the Valkey that the processes share',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: removal(settings),
    });
    Validations.of(token).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'ElastiCache and the tasks must change it together; docs/DEPLOYMENT.md says how.',
    });
    return token;
  }
}

function isMultiZone(settings: Settings): boolean {
  return settings.cache.replicas > 0;
}
