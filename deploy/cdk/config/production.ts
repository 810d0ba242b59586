/** Production: three zones, and nothing that one of them takes with it. */

import type { Settings } from './settings.ts';

export const production: Settings = {
  name: 'production',
  region: 'eu-west-1',
  zones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
  natGateways: 3,
  endpointZones: 3,
  domain: 'api.glassbox.example',
  origins: ['https://app.glassbox.example'],
  callbackUrls: ['https://app.glassbox.example/signed-in'],
  selfSignUp: true,
  threatProtection: true,
  defaultModel: 'openai/gpt-4o-mini',
  alarmsTo: 'alarms@glassbox.example',
  keepData: true,
  logDays: 90,
  database: {
    instance: 'm7g.large',
    storageGiB: 100,
    mostStorageGiB: 1000,
    multiZone: true,
    backupDays: 35,
  },
  cache: { node: 'cache.t4g.small', replicas: 1 },
  serve: { cpu: 1024, memoryMiB: 2048, least: 3, most: 12, databaseConnections: 20 },
  agentWorker: { cpu: 1024, memoryMiB: 2048, least: 2, most: 20, databaseConnections: 10 },
  fileWorker: { cpu: 1024, memoryMiB: 3072, least: 2, most: 10, databaseConnections: 5 },
  delivery: { repository: 'glassbox/glassbox', makeProvider: true },
};
