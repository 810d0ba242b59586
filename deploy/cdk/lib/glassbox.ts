/** All stacks of an environment, in the order in which they need each other. */

import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import type { Settings } from '../config/settings.ts';
import { Auth } from './auth.ts';
import { Cache } from './cache.ts';
import { Compute } from './compute.ts';
import { Database } from './database.ts';
import { Delivery } from './delivery.ts';
import { Messaging } from './messaging.ts';
import { Monitoring } from './monitoring.ts';
import { Network } from './network.ts';
import type { Parts } from './roles.ts';
import { Storage } from './storage.ts';

export interface Environment extends Parts {
  readonly compute: Compute;
  readonly monitoring: Monitoring;
  readonly delivery: Delivery;
}

/** Adds the stacks to `app`, which then fails to synthesize when they break a rule of AWS Solutions. */
export function glassbox(app: App, settings: Settings): Environment {
  const props = {
    // No account: the templates are the same wherever they are made, and go into the account
    // that the caller is signed in to.
    env: { region: settings.region },
    terminationProtection: settings.keepData,
  };
  const named = (stack: string) => `glassbox-${settings.name}-${stack}`;
  const network = new Network(app, named('network'), settings, props);
  const database = new Database(app, named('database'), settings, network, props);
  const cache = new Cache(app, named('cache'), settings, network, props);
  const storage = new Storage(app, named('storage'), settings, props);
  const messaging = new Messaging(app, named('messaging'), props);
  const auth = new Auth(app, named('auth'), settings, props);
  const parts = { settings, network, database, cache, storage, messaging, auth };
  const compute = new Compute(app, named('compute'), parts, props);
  const monitoring = new Monitoring(app, named('monitoring'), parts, compute, props);
  const delivery = new Delivery(app, named('delivery'), settings, props);
  Tags.of(app).add('project', 'glassbox');
  Tags.of(app).add('environment', settings.name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { ...parts, compute, monitoring, delivery };
}
