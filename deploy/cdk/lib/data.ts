/** What happens to data when a stack goes, and how long logs are kept. */

import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

import type { Settings } from '../config/settings.ts';

/** Kept where data matters; elsewhere it goes with its stack. */
export function removal(settings: Settings): RemovalPolicy {
  return settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}

/** The enumeration's values are days; a number that it lacks is refused by CloudFormation. */
export function retention(settings: Settings): RetentionDays {
  return settings.logDays as RetentionDays;
}
