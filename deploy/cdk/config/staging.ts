/** Staging: built like production, so that what passes here passes there, but smaller. */

import type { Settings } from './settings.ts';

export const staging: Settings = {
  name: 'staging',
  region: 'eu-west-1',
  zones: ['eu-west-1a', 'eu-west-1b'],
  natGateways: 1,
  endpointZones: 1,
  domain: 'api.staging.glassbox.example',
  origins: ['https://app.staging.glassbox.example'],
  callbackUrls: ['https://app.staging.glassbox.example/signed-in'],
  selfSignUp: false,
  threatProtection: false,
  defaultModel: 'openai/gpt-4o-mini',
  alarmsTo: 'staging-alarms@glassbox.example',
  keepData: false,
  logDays: 14,
  database: {
    instance: 't4g.medium',
    storageGiB: 20,
    mostStorageGiB: 100,
    multiZone: false,
    backupDays: 7,
  },
  // With a copy, as in production, so that a fail-over can be tried.
  cache: { node: 'cache.t4g.micro', replicas: 1 },
  // Two of them, since one alone would hide what only several do wrong.
  serve: { cpu: 512, memoryMiB: 1024, least: 2, most: 4, databaseConnections: 20 },
  agentWorker: { cpu: 512, memoryMiB: 1024, least: 1, most: 4, databaseConnections: 10 },
  fileWorker: { cpu: 1024, memoryMiB: 3072, least: 1, most: 3, databaseConnections: 5 },
  delivery: { repository: 'glassbox/glassbox', makeProvider: true },
};
