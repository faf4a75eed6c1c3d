import { describe, expect, it } from 'vitest';
import { fixture } from '../../../protocol/test/fixtures.js';
import { createApi } from '../support/api.js';

describe('golden calls', () => {
  const made = new Set(['update, no API key', 'update, the server shuts down', 'update, the server failed']);
  const calls = fixture('api').filter(
    ({ name, request }) => !made.has(name) && !('idempotencyKey' in request),
  );

  it.each(calls)('$name', async ({ method, request, status, reply }) => {
    const api = createApi();
    const names: Record<string, unknown> = { ...request };
    if (names['id'] === 'Wc3mY0b1ZkqT5uRj8sXe2A') {
      const { id } = api.world.open().session;
      names['id'] = id;
      const user = names['user'] === 'eve' ? 'ada' : null;
      api.world.connect(id, method === 'disconnect' ? ['contacts'] : [], user);
    }
    const answer = await api.call(method, names);
    expect(answer.status).toBe(status);
    expect(shape(answer.body)).toEqual(shape(reply));
  });
});

/** An answer without what differs from server to server: positions are there or null; messages are for people. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return value;
  if ('epoch' in value) return null;
  const entries = Object.entries(value).filter(([name]) => name !== 'message');
  return Object.fromEntries(entries.map(([name, it]) => [name, shape(it)]));
}
