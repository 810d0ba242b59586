/**
 * What differs between the environments, and nothing else: everything that is the same
 * in all of them is in the stacks.
 *
 * Each environment is a file beside this one with the name of a file in `config/` of the
 * repository, since the tasks start the program with that name as GLASSBOX_ENV.
 * Nothing here is a secret.
 */

import { dev } from './dev.ts';
import { production } from './production.ts';
import { staging } from './staging.ts';

/** How many tasks of a role there are, and how large each is. */
export interface Size {
  /** Fargate's units: 1024 is one vCPU. */
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Never 0: the sweeps that find abandoned work run in the workers. */
  readonly least: number;
  readonly most: number;
  /** `database.max_connections` of each task. */
  readonly databaseConnections: number;
}

export interface Settings {
  /** The name of `config/<name>.toml`, and part of every stack's name. */
  readonly name: 'dev' | 'staging' | 'production';
  readonly region: string;
  /** Zones of that region, two or three. */
  readonly zones: readonly string[];
  /** One is cheap; one for each zone survives the loss of a zone. */
  readonly natGateways: number;
  /** Zones that have interface endpoints; tasks of the others reach them across zones. */
  readonly endpointZones: number;
  /** Where clients reach the API; its certificate is in ACM, in the same region. */
  readonly domain: string;
  /** Origins of pages that may call the API and upload files. */
  readonly origins: readonly string[];
  /** Where the identity provider sends people back to. */
  readonly callbackUrls: readonly string[];
  /** Whether people may make an account by themselves. */
  readonly selfSignUp: boolean;
  /** Cognito's Plus plan, which costs by the user and blocks stolen passwords. */
  readonly threatProtection: boolean;
  /** The model of an execution that names none; its service needs a key, see lib/auth.ts. */
  readonly defaultModel: string;
  /** Who is told of alarms. */
  readonly alarmsTo: string;
  /** Whether what holds data resists being deleted. */
  readonly keepData: boolean;
  readonly logDays: number;
  readonly database: {
    /** Without the leading "db.". */
    readonly instance: string;
    readonly storageGiB: number;
    readonly mostStorageGiB: number;
    readonly multiZone: boolean;
    readonly backupDays: number;
  };
  readonly cache: {
    readonly node: string;
    /** Copies beside the primary; with one or more it fails over to another zone. */
    readonly replicas: number;
  };
  readonly serve: Size;
  readonly agentWorker: Size;
  readonly fileWorker: Size;
  readonly delivery: {
    /** owner/name on GitHub, whose workflows may deploy here. */
    readonly repository: string;
    /** An account has GitHub's provider once; false where something else made it. */
    readonly makeProvider: boolean;
  };
}

export const environments: readonly Settings[] = [dev, staging, production];

/** The settings of environment `name`; fails for one that there is not. */
export function environment(name: string): Settings {
  const found = environments.find((one) => one.name === name);
  if (found) return found;
  const names = environments.map((one) => one.name).join(', ');
  throw new Error(`There is no environment "${name}". Say one of ${names} with: cdk … -c env=<name>`);
}
