/**
 * The delivery: where images are, and what GitHub's workflows may do in this account.
 *
 * Made once by an administrator, before all else; it is none of the environment's eight
 * stacks, and no workflow can change it. Workflows sign in by OpenID Connect, so there is
 * no key to lose, and only from the GitHub environment that has this one's name.
 */

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import { imageRepository } from './compute.ts';

const GITHUB = 'token.actions.githubusercontent.com';

export class Delivery extends Stack {
  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    const repository = this.makeRepository(settings);
    const role = this.makeRole(settings);
    repository.grantPullPush(role);
    this.allowDeployment(settings, role);
    new CfnOutput(this, 'RoleToTake', {
      description: `AWS_ROLE of the GitHub environment ${settings.name}`,
      value: role.roleArn,
    });
  }

  private makeRepository(settings: Settings): ecr.Repository {
    return new ecr.Repository(this, 'Images', {
      repositoryName: imageRepository(settings.name),
      imageScanOnPush: true,
      // A tag is a commit, and means the same image for ever.
      imageTagMutability: ecr.TagMutability.IMMUTABLE,
      encryption: ecr.RepositoryEncryption.AES_256,
      lifecycleRules: [{ description: 'What a roll-back could want', maxImageCount: 100 }],
      removalPolicy: settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  private makeRole(settings: Settings): iam.Role {
    const { repository, makeProvider } = settings.delivery;
    const arn = `arn:${this.partition}:iam::${this.account}:oidc-provider/${GITHUB}`;
    const provider = makeProvider
      ? new iam.OidcProviderNative(this, 'GitHub', { url: `https://${GITHUB}`, clientIds: ['sts.amazonaws.com'] })
      : iam.OidcProviderNative.fromOidcProviderArn(this, 'GitHub', arn);
    return new iam.Role(this, 'Role', {
      description: `GitHub deploys ${settings.name}`,
      maxSessionDuration: Duration.hours(1),
      assumedBy: new iam.WebIdentityPrincipal(provider.oidcProviderArn, {
        StringEquals: {
          [`${GITHUB}:aud`]: 'sts.amazonaws.com',
          [`${GITHUB}:sub`]: `repo:${repository}:environment:${settings.name}`,
        },
      }),
    });
  }

  /** A deployment is made by the roles of the CDK's bootstrap, which this one may take. */
  private allowDeployment(settings: Settings, role: iam.Role): void {
    const qualifier = 'hnb659fds';
    const bootstrap = (name: string) =>
      `arn:${this.partition}:iam::${this.account}:role/cdk-${qualifier}-${name}-${this.account}-${this.region}`;
    role.addToPolicy(
      new iam.PolicyStatement({
        sid: 'DeployByTheCdk',
        actions: ['sts:AssumeRole'],
        resources: [bootstrap('deploy-role'), bootstrap('file-publishing-role')],
      }),
    );
    const compute = `arn:aws:cloudformation:${this.region}:${this.account}:stack/glassbox-${settings.name}-compute/*`;
    role.addToPolicy(
      new iam.PolicyStatement({
        sid: 'FindTheRunningVersion',
        actions: ['cloudformation:DescribeStacks'],
        resources: [compute],
      }),
    );
    acknowledgeWildcard(this, '*', 'ecr:GetAuthorizationToken knows no resources.');
    acknowledgeWildcard(this, compute, 'CloudFormation adds a number to the name of a stack.');
  }
}
