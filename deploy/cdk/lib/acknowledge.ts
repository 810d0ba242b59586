/** Findings of cdk-nag that are as they should be, with the reason. */

import { Stack, Token, Validations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** `resource` ends in a wildcard, under `scope`, because of `reason`. Only that one resource passes. */
export function acknowledgeWildcard(scope: Construct, resource: string, reason: string): void {
  const { account } = Stack.of(scope);
  // As cdk-nag writes what is known only on deployment.
  const shown = Token.isUnresolved(account) ? resource.replaceAll(account, '<AWS::AccountId>') : resource;
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${shown}]`, reason });
}

/** Any object of `bucket`, which is another stack's, under `scope`, because of `reason`. */
export function acknowledgeObjects(scope: Construct, bucket: IBucket, reason: string): void {
  // As cdk-nag writes it: by the name of the export. This makes none that is not made anyhow.
  const arn = Stack.of(scope).resolve(Stack.of(bucket).exportValue(bucket.bucketArn));
  acknowledgeWildcard(scope, `${arn['Fn::ImportValue']}/*`, reason);
}
