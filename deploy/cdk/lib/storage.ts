/**
 * The storage: what people upload and agents write, and the logs of who read it.
 *
 * Three places. A file system for blobs as a folder, which is what the program uses today.
 * A bucket for blobs and a CloudFront distribution that serves it to signed addresses only,
 * which stand ready for the program's S3 (see program.ts) and cost nothing while they are
 * empty. A bucket for access logs.
 */

import { Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal } from './data.ts';
import { INWARD, type Network } from './network.ts';

/** The user that the image runs as; see the Dockerfile. */
const USER = '10001';

export class Storage extends Stack {
  readonly logs: s3.Bucket;
  readonly blobs: s3.Bucket;
  readonly files: efs.FileSystem;
  /** The one folder of that file system that tasks may mount, as the program's user. */
  readonly folder: efs.AccessPoint;
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, settings: Settings, network: Network, props: StackProps) {
    super(scope, id, props);
    this.logs = this.makeLogs(settings);
    this.blobs = this.makeBlobs(settings);
    this.files = this.makeFiles(settings, network);
    this.folder = this.files.addAccessPoint('Folder', {
      path: '/blobs',
      posixUser: { uid: USER, gid: USER },
      createAcl: { ownerUid: USER, ownerGid: USER, permissions: '0700' },
    });
    this.distribution = this.makeDistribution(settings);
  }

  private makeLogs(settings: Settings): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Logs', {
      ...closed(settings),
      // CloudFront delivers its logs by an access list; every other bucket has none.
      objectOwnership: s3.ObjectOwnership.OBJECT_WRITER,
      lifecycleRules: [{ expiration: Duration.days(settings.logDays) }],
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'This is the bucket of the logs; logs about writing logs would never end.',
    });
    return bucket;
  }

  private makeBlobs(settings: Settings): s3.Bucket {
    return new s3.Bucket(this, 'Blobs', {
      ...closed(settings),
      versioned: true,
      serverAccessLogsBucket: this.logs,
      serverAccessLogsPrefix: 'blobs/',
      // Pages of people send bytes to signed addresses by themselves.
      cors: [
        {
          allowedOrigins: [...settings.origins],
          allowedMethods: [s3.HttpMethods.PUT, s3.HttpMethods.GET, s3.HttpMethods.HEAD],
          allowedHeaders: ['content-type', 'content-length', 'x-amz-checksum-sha256', 'if-none-match'],
          exposedHeaders: ['etag'],
          maxAge: 3600,
        },
      ],
      lifecycleRules: [
        // What was deleted can be brought back for a month.
        { noncurrentVersionExpiration: Duration.days(30), expiredObjectDeleteMarker: true },
        { abortIncompleteMultipartUploadAfter: Duration.days(2) },
        {
          transitions: [
            { storageClass: s3.StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(30) },
          ],
        },
      ],
    });
  }

  private makeFiles(settings: Settings, network: Network): efs.FileSystem {
    return new efs.FileSystem(this, 'Files', {
      vpc: network.vpc,
      vpcSubnets: INWARD,
      securityGroup: network.files,
      encrypted: true,
      enableAutomaticBackups: true,
      fileSystemPolicy: onlyByOwnRights(),
      // Read: leave the policy as it is. With false the CDK adds a statement that lets
      // everybody who could mount it write as root.
      allowAnonymousAccess: true,
      throughputMode: efs.ThroughputMode.ELASTIC,
      lifecyclePolicy: efs.LifecyclePolicy.AFTER_30_DAYS,
      outOfInfrequentAccessPolicy: efs.OutOfInfrequentAccessPolicy.AFTER_1_ACCESS,
      removalPolicy: removal(settings),
    });
  }

  private makeDistribution(settings: Settings): cloudfront.Distribution {
    const signers = new cloudfront.KeyGroup(this, 'Signers', {
      items: [new cloudfront.PublicKey(this, 'Signer', { encodedKey: this.signersKey(settings) })],
    });
    const distribution = new cloudfront.Distribution(this, 'Downloads', {
      comment: `Blobs of GlassBox, ${settings.name}`,
      defaultBehavior: {
        origin: origins.S3BucketOrigin.withOriginAccessControl(this.blobs),
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD,
        trustedKeyGroups: [signers],
        responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
      },
      priceClass: cloudfront.PriceClass.PRICE_CLASS_100,
      enableLogging: true,
      logBucket: this.logs,
      logFilePrefix: 'downloads/',
    });
    Validations.of(distribution).acknowledge(
      { id: 'AwsSolutions-CFR1', reason: 'People work from everywhere.' },
      { id: 'AwsSolutions-CFR2', reason: 'It answers signed addresses only; a firewall would judge nothing more.' },
      {
        id: 'AwsSolutions-CFR4',
        reason: 'Under cloudfront.net’s own name the least TLS can’t be chosen; addresses are signed one by one.',
      },
    );
    return distribution;
  }

  /** The public half of the key that signs downloads; its owner puts it into the parameter. */
  private signersKey(settings: Settings): string {
    return ssm.StringParameter.valueForStringParameter(this, `/glassbox/${settings.name}/downloads-public-key`);
  }
}

/**
 * With a policy that allows nobody anything, only what a task's own role may do counts;
 * without one, whoever reaches the port may mount it all.
 */
function onlyByOwnRights(): iam.PolicyDocument {
  const statement = new iam.PolicyStatement({
    sid: 'NeverInTheClear',
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite', 'elasticfilesystem:ClientRootAccess'],
    conditions: { Bool: { 'aws:SecureTransport': 'false' } },
  });
  return new iam.PolicyDocument({ statements: [statement] });
}

/** What every bucket has in common. */
function closed(settings: Settings): s3.BucketProps {
  return {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    // A bucket that is not empty stays when its stack goes, in every environment.
    removalPolicy: removal(settings),
  };
}
