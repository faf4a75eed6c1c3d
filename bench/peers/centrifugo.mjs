/** Centrifugo, where it is on the PATH, with its memory engine and a history that its clients recover from. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePort, KEY, startServer } from './server.mjs';

/** As many messages as Dobby's log of a path holds by default. */
const HISTORY = { history_size: 1_000, history_ttl: '300s', force_recovery: true };

/** @type {import('./table.mjs').Peer} */
export const centrifugo = {
  name: 'centrifugo',
  dialect: 'centrifugo',
  publish: { url: '/api/publish', header: `X-API-Key: ${KEY}`, path: 'channel', message: 'data' },
  missing: () =>
    (process.env['PATH'] ?? '').split(delimiter).some((folder) => isProgram(join(folder, 'centrifugo')))
      ? null
      : 'centrifugo is not on the PATH: go install github.com/centrifugal/centrifugo/v6@latest',
  async start({ port: asked, folder }) {
    const port = asked || (await freePort());
    const file = join(folder, 'centrifugo.json');
    const configuration = {
      http_server: { address: '127.0.0.1', port },
      client: { insecure: true },
      http_api: { key: KEY },
      channel: { without_namespace: HISTORY },
      usage_stats: { disabled: true },
      log: { level: 'info' },
    };
    writeFileSync(file, JSON.stringify(configuration));
    const listening = (output) => (/serving .*endpoints/.test(output) ? { port, pids: [] } : null);
    return startServer('centrifugo', ['-c', file], { listening });
  },
};

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
