/** Development in the cloud, for what can't be tried on a desk. The cheapest that works. */

import type { Settings } from './settings.ts';

export const dev: Settings = {
  name: 'dev',
  region: 'eu-west-1',
  zones: ['eu-west-1a', 'eu-west-1b'],
  natGateways: 1,
  endpointZones: 1,
  domain: 'api.dev.glassbox.example',
  origins: ['https://app.dev.glassbox.example', 'http://localhost:3000'],
  callbackUrls: ['https://app.dev.glassbox.example/signed-in', 'http://localhost:3000/signed-in'],
  selfSignUp: false,
  threatProtection: false,
  defaultModel: 'demo/analyst',
  alarmsTo: 'dev-alarms@glassbox.example',
  keepData: false,
  logDays: 7,
  database: {
    instance: 't4g.small',
    storageGiB: 20,
    mostStorageGiB: 50,
    multiZone: false,
    backupDays: 1,
  },
  cache: { node: 'cache.t4g.micro', replicas: 0 },
  serve: { cpu: 256, memoryMiB: 512, least: 1, most: 2, databaseConnections: 10 },
  agentWorker: { cpu: 256, memoryMiB: 512, least: 1, most: 2, databaseConnections: 10 },
  // A child that parses may take 1 GiB, and two run at a time.
  fileWorker: { cpu: 512, memoryMiB: 3072, least: 1, most: 2, databaseConnections: 5 },
  delivery: { repository: 'glassbox/glassbox', makeProvider: true },
};
