/**
 * The network: a VPC over two or three zones, its endpoints, and every security group.
 *
 * Three kinds of subnets. `public` has the load balancer and the NAT gateways. `outward`
 * has the tasks that call models and the identity provider. `inward` has no way out at
 * all: the data, `migrate`, and the file workers, which open what strangers send and
 * reach AWS by endpoints only.
 *
 * The groups of all stacks are here, because two stacks that each open their own group to
 * the other's would need one another first.
 */

import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal, retention } from './data.ts';

export const PORTS = { https: 443, program: 8080, metrics: 9464, database: 5432, cache: 6379 } as const;

/** Subnets by what their members may reach. */
export const PUBLIC: ec2.SubnetSelection = { subnetGroupName: 'public' };
export const OUTWARD: ec2.SubnetSelection = { subnetGroupName: 'outward' };
export const INWARD: ec2.SubnetSelection = { subnetGroupName: 'inward' };

export class Network extends Stack {
  readonly vpc: ec2.Vpc;
  readonly loadBalancer: ec2.SecurityGroup;
  readonly serve: ec2.SecurityGroup;
  readonly agentWorker: ec2.SecurityGroup;
  readonly fileWorker: ec2.SecurityGroup;
  readonly migrate: ec2.SecurityGroup;
  /** Of nothing that the stacks make: put what is to read the tasks' figures into it. */
  readonly scraper: ec2.SecurityGroup;
  readonly database: ec2.SecurityGroup;
  readonly cache: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    this.vpc = this.makeVpc(settings);
    this.loadBalancer = this.group('LoadBalancer', 'Takes requests from everywhere.');
    this.serve = this.group('Serve', 'The API.');
    this.agentWorker = this.group('AgentWorker', 'Runs executions.');
    this.fileWorker = this.group('FileWorker', 'Turns files into text.');
    this.migrate = this.group('Migrate', 'Brings the database to the schema.');
    this.scraper = this.group('Scraper', 'May read the figures of tasks.');
    this.database = this.group('Database', 'Postgres.', false);
    this.cache = this.group('Cache', 'Valkey.', false);
    this.openWays();
    this.addEndpoints(settings);
    new CfnOutput(this, 'MayScrape', {
      description: 'The security group for a Prometheus, which may then read /metrics of tasks',
      value: this.scraper.securityGroupId,
    });
  }

  private makeVpc(settings: Settings): ec2.Vpc {
    const vpc = new ec2.Vpc(this, 'Vpc', {
      availabilityZones: [...settings.zones],
      natGateways: settings.natGateways,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'outward', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
        { name: 'inward', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 20 },
      ],
    });
    const group = new logs.LogGroup(this, 'FlowLogs', {
      retention: retention(settings),
      removalPolicy: removal(settings),
    });
    vpc.addFlowLog('Flow', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(group),
      // What was let through is in the logs of those who took it.
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });
    return vpc;
  }

  private group(name: string, description: string, allowAllOutbound = true): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, name, { vpc: this.vpc, description, allowAllOutbound });
  }

  /** Who may open a connection to whom; nobody else may. */
  private openWays(): void {
    this.loadBalancer.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(PORTS.https), 'clients');
    this.loadBalancer.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(80), 'clients that are sent to HTTPS');
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'It is the public entrance; only the load balancer is in this group.',
    });
    const open = (from: ec2.SecurityGroup[], to: ec2.SecurityGroup, port: number) =>
      from.forEach((one) => to.addIngressRule(one, ec2.Port.tcp(port)));
    open([this.loadBalancer], this.serve, PORTS.program);
    open([this.serve, this.agentWorker, this.fileWorker, this.migrate], this.database, PORTS.database);
    open([this.serve, this.agentWorker], this.cache, PORTS.cache);
    for (const role of [this.serve, this.agentWorker, this.fileWorker]) open([this.scraper], role, PORTS.metrics);
  }

  /** What a task needs of AWS while it starts and works, without the internet. */
  private addEndpoints(settings: Settings): void {
    this.addWaysToS3();
    const inside = new ec2.SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'AWS services, from inside.',
      allowAllOutbound: false,
    });
    inside.addIngressRule(ec2.Peer.ipv4(this.vpc.vpcCidrBlock), ec2.Port.tcp(PORTS.https), 'the VPC');
    const { SQS, SECRETS_MANAGER, CLOUDWATCH_LOGS, ECR, ECR_DOCKER } = ec2.InterfaceVpcEndpointAwsService;
    for (const [name, service] of Object.entries({ SQS, SECRETS_MANAGER, CLOUDWATCH_LOGS, ECR, ECR_DOCKER })) {
      this.vpc.addInterfaceEndpoint(name, {
        service,
        subnets: { ...INWARD, availabilityZones: settings.zones.slice(0, settings.endpointZones) },
        securityGroups: [inside],
        open: false,
      });
    }
    Validations.of(inside).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'The rule can’t read a range that is known on deployment; it is the VPC’s own.',
    });
  }

  /** To blobs, and to the layers of images, which ECR keeps in a bucket of Amazon's. */
  private addWaysToS3(): void {
    const service = ec2.GatewayVpcEndpointAwsService.S3;
    // Whoever has a way out could reach any bucket anyhow.
    this.vpc.addGatewayEndpoint('S3', { service, subnets: [OUTWARD] });
    const inward = this.vpc.addGatewayEndpoint('S3Inward', { service, subnets: [INWARD] });
    // Who is not meant to get out must not do so by a bucket of somebody else's. A policy of
    // the endpoint gives nobody a right; it only bounds those that the tasks' roles have.
    const allow = (sid: string, actions: string[], resource: string, conditions = {}) =>
      inward.addToPolicy(
        new iam.PolicyStatement({ sid, principals: [new iam.AnyPrincipal()], actions, resources: [resource], conditions }),
      );
    allow('BucketsOfThisAccount', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'], '*', {
      StringEquals: { 'aws:ResourceAccount': this.account },
    });
    const { partition, region } = this;
    allow('LayersOfImages', ['s3:GetObject'], `arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`);
  }
}
