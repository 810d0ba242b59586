/**
 * What the program can do today, where the stacks depend on it.
 *
 * Each of these is false because the program lacks it. When it no longer does, this is the
 * line to change; the tests then say what else must agree. docs/DEPLOYMENT.md, "Not yet",
 * tells operators.
 */

export const PROGRAM = {
  /**
   * Whether it encrypts its connections to Postgres. Until then RDS must take plain ones,
   * which stay inside subnets of the VPC and begin with SCRAM.
   */
  postgresTls: false,
  /**
   * Whether it keeps blobs in S3. Until then they are in a folder, on an encrypted EFS
   * that serve and the workers mount, and no role has any right to the bucket.
   */
  s3: false,
} as const;
