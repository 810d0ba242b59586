/**
 * What the program can do today, where the stacks depend on it.
 *
 * What is false here is so because the program lacks it. When it no longer does, that is the
 * line to change; the tests then say what else must agree. docs/DEPLOYMENT.md, "Not yet",
 * tells operators.
 */

export const PROGRAM = {
  /**
   * Whether it encrypts its connections to Postgres. Until then RDS must take plain ones,
   * which stay inside subnets of the VPC and begin with SCRAM.
   */
  postgresTls: false,
} as const;
