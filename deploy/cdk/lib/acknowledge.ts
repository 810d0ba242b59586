/** Findings of cdk-nag that are as they should be, with the reason. */

import { Stack, Token, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** `resource` ends in a wildcard, under `scope`, because of `reason`. Only that one resource passes. */
export function acknowledgeWildcard(scope: Construct, resource: string, reason: string): void {
  const { account } = Stack.of(scope);
  // As cdk-nag writes what is known only on deployment.
  const shown = Token.isUnresolved(account) ? resource.replaceAll(account, '<AWS::AccountId>') : resource;
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${shown}]`, reason });
}
