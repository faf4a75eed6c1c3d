import { beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../support/api.js';

let api: Api;
beforeEach(() => {
  api = createApi();
});

async function listed(body: object): Promise<string[]> {
  const { body: answer } = await api.call('sessions', body);
  return answer.sessions.map(({ id }: { id: string }) => id);
}

describe('the list of sessions', () => {
  it('says whose login each is, and what is known of the user', async () => {
    const { session } = api.world.open();
    expect((await api.call('sessions', {})).body.sessions).toMatchObject([{ login: null, info: null }]);
    const said = { source: 'token', user: 'ada', login: '9f3c', grants: [], at: 0, expiresAt: null } as const;
    session.setLogin('9f3c');
    session.setIdentity({ ...said, info: { name: 'Ada' } });
    expect((await api.call('sessions', {})).body.sessions).toMatchObject([
      { login: '9f3c', info: { name: 'Ada' } },
    ]);
  });

  it('is narrowed by user, login, transport and address, and by several of them', async () => {
    const opened = ['ada', 'ada', 'eve', null].map((user, i) => {
      const carrier = { transport: i === 1 ? 'long-poll' : 'websocket', address: `192.0.2.${i}` } as const;
      const { session, connection } = api.world.open({}, carrier);
      if (user !== null) session.bindUser(user);
      if (i < 2) session.setLogin(`login-${i}`);
      return { id: session.id, connection };
    });
    const [a, b, eve, nobody] = opened.map(({ id }) => id);
    expect(await listed({ user: 'ada' })).toEqual([a, b]);
    expect(await listed({ login: 'login-1' })).toEqual([b]);
    expect(await listed({ transport: 'websocket' })).toEqual([a, eve, nobody]);
    expect(await listed({ address: '192.0.2.2' })).toEqual([eve]);
    expect(await listed({ user: 'ada', transport: 'websocket' })).toEqual([a]);
    expect(await listed({ user: 'eve', login: 'login-0' })).toEqual([]);
    expect(await listed({ user: 'null' })).toEqual([]);
    opened[0]?.connection.lost();
    expect(await listed({ user: 'ada' })).toEqual([a, b]);
    expect(await listed({ user: 'ada', transport: 'websocket' })).toEqual([]);
    expect(await listed({ address: '192.0.2.0' })).toEqual([]);
  });

  it('is paged as narrowed', async () => {
    for (let i = 0; i < 5; i++) api.world.open().session.bindUser(i % 2 === 0 ? 'ada' : 'eve');
    const first = (await api.call('sessions', { user: 'ada', limit: 2 })).body;
    expect(first).toMatchObject({ sessions: [{ id: 'session-1' }, { id: 'session-3' }], next: 'session-3' });
    const second = (await api.call('sessions', { user: 'ada', limit: 2, after: first.next })).body;
    expect(second).toMatchObject({ sessions: [{ id: 'session-5' }], next: null });
  });

  it.each([{ user: null }, { user: '' }, { login: 7 }, { transport: 'pigeon' }, { address: '' }])(
    'cannot be narrowed by %j',
    async (body) => {
      expect(await api.call('sessions', body)).toMatchObject({
        status: 400,
        body: { error: { code: 'bad_field', field: Object.keys(body)[0] } },
      });
    },
  );
});
