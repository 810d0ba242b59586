/** The CDK application: `npx cdk synth -c env=staging`. */

import { App } from 'aws-cdk-lib';

import { environment } from '../config/settings.ts';
import { glassbox } from '../lib/glassbox.ts';

const app = new App();
glassbox(app, environment(String(app.node.tryGetContext('env') ?? '')));
