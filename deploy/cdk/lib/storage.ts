/**
 * The storage: what people upload and agents write, and the logs of who read it.
 *
 * A bucket for blobs, which the program's roles write and read and to which people send bytes
 * by addresses that the program signed; its key; a bucket for access logs. And a CloudFront
 * distribution that serves blobs to signed addresses only. The program does not use that one:
 * S3 itself signs its downloads.
 */

import { Annotations, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal } from './data.ts';

/** How long what was deleted or written over can be brought back. */
const NONCURRENT_DAYS = 30;

export class Storage extends Stack {
  readonly logs: s3.Bucket;
  readonly blobs: s3.Bucket;
  /** Encrypts the blobs: who may read the bucket can read nothing without it. */
  readonly key: kms.Key;
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    this.logs = this.makeLogs(settings);
    this.key = new kms.Key(this, 'Key', {
      description: `Encrypts the blobs of GlassBox, ${settings.name}`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(30),
      removalPolicy: removal(settings),
    });
    this.blobs = this.makeBlobs(settings);
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
      // By default, so that a signed upload needs no header for it.
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.key,
      // S3 asks for the key once in a while and not for each object.
      bucketKeyEnabled: true,
      versioned: true,
      serverAccessLogsBucket: this.logs,
      serverAccessLogsPrefix: 'blobs/',
      // Pages of people send bytes to signed addresses by themselves, with the headers that
      // were signed: see src/platform/blobs/s3.rs.
      cors: [
        {
          allowedOrigins: [...settings.origins],
          allowedMethods: [s3.HttpMethods.PUT, s3.HttpMethods.GET, s3.HttpMethods.HEAD],
          allowedHeaders: ['content-type', 'if-none-match', 'x-amz-*'],
          exposedHeaders: ['etag'],
          maxAge: 3600,
        },
      ],
      lifecycleRules: [
        // What was deleted can be brought back for a month.
        { noncurrentVersionExpiration: Duration.days(NONCURRENT_DAYS), expiredObjectDeleteMarker: true },
        { abortIncompleteMultipartUploadAfter: Duration.days(2) },
        {
          transitions: [
            { storageClass: s3.StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(30) },
          ],
        },
      ],
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
    // The key must know the distribution, which must know the bucket, which must know the key.
    // The bucket's own policy names this one distribution alone.
    Annotations.of(this).acknowledgeWarning(
      '@aws-cdk/aws-cloudfront-origins:wildcardKeyPolicyForOac',
      'Any distribution of this account may use the key; the bucket lets only ours read.',
    );
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
