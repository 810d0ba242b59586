/**
 * The identity: who people are (Cognito), and the keys by which the program signs and seals.
 *
 * The program takes the pool's tokens as they are. Its own keys are made here by Secrets
 * Manager and never seen by anybody; they are not rotated by a timer, because each has a
 * way of its own to be changed in which the old one stays good for a while.
 */

import { Aws, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

import type { Settings } from '../config/settings.ts';
import { removal } from './data.ts';

/** 32 random bytes as the program reads them: 64 digits of 0-9 and a-f. */
const SEED: secrets.SecretStringGenerator = {
  passwordLength: 64,
  excludeCharacters: 'ghijklmnopqrstuvwxyz',
  excludeUppercase: true,
  excludePunctuation: true,
  includeSpace: false,
  requireEachIncludedType: false,
};

export class Auth extends Stack {
  /** What tokens name in `iss`. */
  readonly issuer: string;
  readonly client: cognito.UserPoolClient;
  /** The Ed25519 seed of our own tokens. */
  readonly signingKey: secrets.Secret;
  /** Seals the keys that organizations store. */
  readonly vaultKey: secrets.Secret;
  /** {"openai", "anthropic"}: keys of the models' services; put there by hand. */
  readonly modelKeys: secrets.Secret;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, props);
    const pool = this.makePool(settings);
    this.issuer = pool.userPoolProviderUrl;
    this.client = this.makeClient(pool, settings);
    pool.addDomain('Domain', {
      // Names of domains are shared by all of the region's customers.
      cognitoDomain: { domainPrefix: `glassbox-${settings.name}-${Aws.ACCOUNT_ID}` },
    });
    this.signingKey = this.makeKey('SigningKey', 'Signs our own tokens', SEED, settings);
    this.vaultKey = this.makeKey('VaultKey', 'Seals the keys that organizations store', SEED, settings);
    const words = { passwordLength: 44, excludePunctuation: true };
    this.modelKeys = this.makeKey(
      'ModelKeys',
      'Keys of the services of models; an empty one is not offered',
      // Both start empty. Secrets Manager insists on generating one value; nobody reads it.
      { secretStringTemplate: '{"openai":"","anthropic":""}', generateStringKey: 'unused', ...words },
      settings,
    );
  }

  private makePool(settings: Settings): cognito.UserPool {
    const { FeaturePlan, StandardThreatProtectionMode } = cognito;
    const pool = new cognito.UserPool(this, 'People', {
      signInAliases: { email: true },
      selfSignUpEnabled: settings.selfSignUp,
      // The program believes an address only when the provider has verified it.
      autoVerify: { email: true },
      keepOriginal: { email: true },
      standardAttributes: { email: { required: true, mutable: true } },
      mfa: cognito.Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      featurePlan: settings.threatProtection ? FeaturePlan.PLUS : FeaturePlan.ESSENTIALS,
      ...(settings.threatProtection && {
        standardThreatProtectionMode: StandardThreatProtectionMode.FULL_FUNCTION,
      }),
      deletionProtection: settings.keepData,
      removalPolicy: removal(settings),
    });
    if (!settings.threatProtection) {
      Validations.of(pool).acknowledge({
        id: 'AwsSolutions-COG8',
        reason: 'Not production: a few invited people, with a second factor each.',
      });
    }
    return pool;
  }

  /** The client of pages: it can keep no secret, so it proves itself by PKCE. */
  private makeClient(pool: cognito.UserPool, settings: Settings): cognito.UserPoolClient {
    return pool.addClient('Pages', {
      generateSecret: false,
      authFlows: { userSrp: true },
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
        callbackUrls: [...settings.callbackUrls],
        logoutUrls: [...settings.origins],
      },
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(30),
    });
  }

  private makeKey(
    name: string,
    description: string,
    generateSecretString: secrets.SecretStringGenerator,
    settings: Settings,
  ): secrets.Secret {
    const removalPolicy = removal(settings);
    const secret = new secrets.Secret(this, name, { description, generateSecretString, removalPolicy });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'What it signed or sealed must stay good after a change, which a timer can’t see to; see docs/DEPLOYMENT.md.',
    });
    return secret;
  }
}
