/** The synthesized templates of an environment, in a form that is easy to ask. */

import { readFileSync } from 'node:fs';

import { App } from 'aws-cdk-lib';

import type { Settings } from '../config/settings.ts';
import { glassbox } from '../lib/glassbox.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** What a template has in it is not known to the compiler. */
export type Properties = Record<string, any>;

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: Properties;
  readonly dependsOn: string[];
  readonly deletionPolicy?: string;
  /** All properties as one line of JSON. */
  readonly text: string;
}

/** The resources of each stack, by the last word of its name. */
export type Templates = Record<string, Resource[]>;

/** Synthesizes with the flags of cdk.json, in which the findings of cdk-nag are errors. */
export function synthesize(settings: Settings): Templates {
  const app = new App({ context: FLAGS });
  glassbox(app, settings);
  const stacks = app.synth().stacks.map(({ stackName, template }) => {
    const resources = Object.entries(template.Resources as Record<string, Properties>);
    return [stackName.split('-').at(-1)!, resources.map(([id, one]) => resource(id, one))] as const;
  });
  return Object.fromEntries(stacks);
}

const FLAGS = JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8')).context;

function resource(id: string, { Type, Properties = {}, DependsOn = [], DeletionPolicy }: Properties): Resource {
  return {
    id,
    type: Type,
    properties: Properties,
    dependsOn: [DependsOn].flat(),
    deletionPolicy: DeletionPolicy,
    text: JSON.stringify(Properties),
  };
}

export function ofType(templates: Templates, type: string): Resource[] {
  return Object.values(templates).flat().filter((one) => one.type === type);
}

/** The actions of all statements that allow something, wherever in `value` they are. */
export function actionsOf(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  const one = value as Properties;
  if (one.Effect === 'Allow') return [one.Action].flat();
  return Object.values(one).flatMap(actionsOf);
}
