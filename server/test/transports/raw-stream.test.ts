/** Raw streams: what curl and `EventSource` read with a plain GET. */
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';

let dobby: Dobby;
let endpoint: string;

beforeAll(async () => {
  dobby = createDobby({
    port: 0,
    stateDir: tempFolder(),
    logLevel: 'silent',
    public: ['{name*}'],
    paths: [{ pattern: 'stateless', state: false }],
  });
  endpoint = `${await dobby.start()}/comet`;
});

afterAll(() => dobby.stop());

interface Event {
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: frames of every type
  readonly frame: any;
}

/** Reads events until one of them is what is waited for; then hangs up. */
function read(query: string, isLast: (event: Event) => boolean, lastId?: string): Promise<Event[]> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  return new Promise((resolve, reject) => {
    const request = get(`${endpoint}?${query}`, { headers, agent: false }, (response: IncomingMessage) => {
      const events: Event[] = [];
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts.filter((each) => !each.startsWith(':'))) {
          const event = {
            id: /^id: (.*)$/m.exec(part)?.[1],
            frame: JSON.parse(/^data: (.*)$/m.exec(part)?.[1] ?? ''),
          };
          events.push(event);
          if (!isLast(event)) continue;
          response.destroy();
          return resolve(events);
        }
      });
    });
    request.on('error', reject);
  });
}

const isWhole = ({ frame }: Event) => frame.type === 'state' && frame.last;
const isMessage = (message: unknown) => (event: Event) => event.frame.message === message;

describe('a raw stream', () => {
  it('brings the state and then every change', async () => {
    for (const key of ['a', 'b']) await dobby.update('stock', `of ${key}`, { key });
    const events = await read('path=stock&state=snapshot', (event) => {
      if (isWhole(event)) void dobby.update('stock', 'new', { key: 'a' });
      return isMessage('new')(event);
    });
    const frames = events.map(({ frame }) => frame);
    const state = frames.find(({ type }) => type === 'state');
    expect(state).toMatchObject({ entries: [{ key: 'a' }, { key: 'b' }], first: true, last: true });
    expect(frames.at(-1)).toMatchObject({ path: 'stock', key: 'a', message: 'new' });
  });

  it('brings the state again to whoever comes back, after what was missed: nobody knows whether it had the whole', async () => {
    for (let i = 0; i < 9; i++) await dobby.update('large', 'x'.repeat(30_000), { key: `k${i}` });
    const position = await dobby.update('large', 'the last');
    const again = await read('path=large&state=snapshot', isWhole, `${position?.epoch}:3`);
    const kinds = again.map(({ frame }) => frame.type ?? 'update');
    expect(kinds.slice(0, 8)).toEqual(['subscribed', ...Array.from({ length: 7 }, () => 'update')]);
    expect(kinds.filter((kind) => kind === 'state').length).toBeGreaterThan(1);
  });

  it('is refused at once where there is no state, or another word for it', async () => {
    const refused = async (query: string) => {
      const answer = await fetch(`${endpoint}?${query}`);
      return [answer.status, ((await answer.json()) as { error: { code: string; field: string } }).error];
    };
    expect(await refused('path=stateless&state=snapshot')).toMatchObject([400, { code: 'no_state' }]);
    expect(await refused('path=a&state=true')).toMatchObject([400, { code: 'bad_field', field: 'state' }]);
  });
});
