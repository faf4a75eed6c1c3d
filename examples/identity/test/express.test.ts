/** The example in Express: each way from end to end, what is refused, and a logout. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Example } from './example.js';
import { Visitor } from './visitor.js';

/** As the guide says. */
const WITHIN_MS = 1_000;

let example: Example;
/** With a Dobby that asks nobody. */
let alone: Example;
const visitors: Visitor[] = [];

beforeAll(async () => {
  const change = (lines: string) => lines.replace(/ --session-url \S+/, '');
  [example, alone] = await Promise.all([Example.start('Express'), Example.start('Express', { change })]);
});
afterEach(() => {
  for (const visitor of visitors.splice(0)) visitor.leave();
});
afterAll(() => Promise.all([example?.stop(), alone?.stop()]));

/** Somebody new, logged in where a name is given. */
async function visitorOf(user?: 'ann' | 'ben'): Promise<Visitor> {
  const visitor = new Visitor(example);
  visitors.push(visitor);
  if (user === undefined) return visitor;
  const password = { ann: 'ann-1815', ben: 'ben-1912' }[user];
  expect((await visitor.form('/login', { user, password })).status).toBe(302);
  return visitor;
}

const push = (path: string, message: string) => example.api('update', { path, message });

describe('a page that Dobby asks about', () => {
  it('hears what its visitor may hear, and is refused the rest', async () => {
    const [ann, ben, nobody] = await Promise.all([visitorOf('ann'), visitorOf('ben'), visitorOf()]);
    const pages = [ann, ben, nobody].map((visitor) => visitor.open(['lobby', 'ledger']));
    await Promise.all(pages.slice(0, 2).map((page) => page.connect('lobby', () => {}).ready));
    await ben.has('refused', 'ledger: connect_refused');
    await nobody.has('refused', 'lobby: connect_refused');
    await push('lobby', 'hello');
    await push('ledger', 'twelve');
    await Promise.all([
      ann.has('heard', 'lobby: hello'),
      ann.has('heard', 'ledger: twelve'),
      ben.has('heard', 'lobby: hello'),
    ]);
    expect(ben.heard).toEqual(['lobby: hello']);
    expect(nobody.heard).toEqual([]);
  });

  it('is asked about once more, without cookies, when it wants more', async () => {
    const ann = await visitorOf('ann');
    const pomona = ann.open(['lobby']);
    await pomona.connect('lobby', () => {}).ready;
    const ledger = pomona.connect('ledger', () => {});
    await ledger.ready;
    pomona.connect('attic', () => {});
    await ann.has('refused', 'attic: connect_refused');
  });

  it('is sent away within a second of its logout, and hears nothing more', async () => {
    const [ann, ben] = await Promise.all([visitorOf('ann'), visitorOf('ben')]);
    const elsewhere = await visitorOf('ann');
    const page = ann.open(['lobby']);
    const other = elsewhere.open(['lobby']);
    const bens = ben.open(['lobby']);
    await Promise.all([page, other, bens].map((each) => each.connect('lobby', () => {}).ready));
    const first = page.id;
    await ann.form('/logout', {});
    await ann.has('kicked', false, WITHIN_MS);
    await ann.has('refused', 'lobby: connect_refused');
    expect(page.id).not.toBe(first);
    await push('lobby', 'after');
    await Promise.all([ben.has('heard', 'lobby: after'), elsewhere.has('heard', 'lobby: after')]);
    expect(ann.heard).toEqual([]);
  });
});

describe('a right that is taken away', () => {
  it('ends what is heard by it at once; who asks again is asked about again', async () => {
    const ann = await visitorOf('ann');
    const page = ann.open(['ledger']);
    await page.connect('ledger', () => {}).ready;
    const ended = new Promise((resolve) => page.on('unsubscribed', resolve));
    await example.api('disconnect', { user: 'ann', patterns: ['ledger'] });
    expect(await ended).toMatchObject({ path: 'ledger', by: 'back_end' });
    await page.connect('ledger', () => {}).ready;
  });

  it('is final where the back end says so', async () => {
    const ben = await visitorOf('ben');
    const page = ben.open(['lobby']);
    await page.connect('lobby', () => {}).ready;
    await example.api('kick', { user: 'ben', reconnect: false });
    await ben.has('kicked', true);
    expect(page.state).toBe('closed');
  });

  it('is another one after a login over the one before', async () => {
    const visitor = await visitorOf('ann');
    const page = visitor.open(['lobby', 'ledger']);
    await page.connect('ledger', () => {}).ready;
    await visitor.form('/login', { user: 'ben', password: 'ben-1912' });
    await visitor.has('refused', 'ledger: connect_refused');
  });
});

describe('the session view', () => {
  const body = JSON.stringify({ type: 'session', paths: ['lobby'] });
  const target = '/dobby/session';

  async function post(signature: string | null, sent = body, url = target): Promise<number> {
    const headers = {
      'Content-Type': 'application/json',
      ...(signature === null ? {} : { 'Dobby-Signature': signature }),
    };
    return (await fetch(`${example.url}${url}`, { method: 'POST', headers, body: sent })).status;
  }

  function sign({
    t = Date.now(),
    nonce = `n${Math.random()}`.replace('.', ''),
    secret = example.secret('webhook-secret'),
  } = {}): string {
    const digest = createHash('sha256').update(body).digest('hex');
    const lines = ['POST', target, t, nonce, digest].join('\n');
    return `t=${t},nonce=${nonce},v1=${createHmac('sha256', secret).update(lines).digest('hex')}`;
  }

  it('answers what Dobby has signed, and that once', async () => {
    const signature = sign();
    expect(await post(signature)).toBe(200);
    expect(await post(signature)).toBe(401);
  });

  it('answers 401 to whatever else comes', async () => {
    expect(await post(null)).toBe(401);
    expect(await post('t=1,nonce=a,v1=b')).toBe(401);
    expect(await post(sign({ secret: 'another-secret-of-nobody' }))).toBe(401);
    expect(await post(sign({ t: Date.now() - 61_000 }))).toBe(401);
    expect(await post(sign({ t: Date.now() + 61_000 }))).toBe(401);
    expect(await post(sign(), body.replace('lobby', 'ledger'))).toBe(401);
    expect(await post(sign(), body, `${target}?more`)).toBe(401);
    expect(await post(sign())).toBe(200);
  });
});

describe('a page with a token', () => {
  const token = (visitor: Visitor) => async () => {
    const response = await visitor.fetch('/token');
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.text();
  };

  it('hears what the token grants, and nothing else', async () => {
    const [ann, ben] = await Promise.all([visitorOf('ann'), visitorOf('ben')]);
    const open = (visitor: Visitor) =>
      visitor.open(['lobby', 'ledger'], { tokens: { session: token(visitor) } });
    open(ben);
    await open(ann).connect('ledger', () => {}).ready;
    await ben.has('refused', 'ledger: connect_refused');
    await push('ledger', 'thirteen');
    await ann.has('heard', 'ledger: thirteen');
    expect(ben.heard).toEqual([]);
  });

  it('is sent away within a second of the logout, and gets no other token', async () => {
    const ann = await visitorOf('ann');
    const page = ann.open(['lobby'], { tokens: { session: token(ann) } });
    await page.connect('lobby', () => {}).ready;
    const kept = await token(ann)();
    await ann.form('/logout', {});
    await ann.has('kicked', false, WITHIN_MS);
    await ann.has('errors', 'token_failed');
    // One that was made before is good for nothing, whoever has kept it.
    const thief = await visitorOf();
    thief.open(['lobby'], { tokens: { session: () => kept } });
    await thief.has('errors', 'revoked_token');
    await push('lobby', 'gone');
    expect([...ann.heard, ...thief.heard]).toEqual([]);
  });

  it('is not given to who is not logged in', async () => {
    expect((await (await visitorOf()).fetch('/token')).status).toBe(401);
  });
});

describe('the connect view', () => {
  it('refuses requests of other pages, and what is no JSON', async () => {
    const ann = await visitorOf('ann');
    const view = `${example.url}/dobby/connect`;
    const body = JSON.stringify({ uid: 'x', paths: ['lobby'] });
    const post = (headers: Record<string, string>) =>
      fetch(view, { method: 'POST', body, headers: { cookie: `sid=${ann.cookie('sid')}`, ...headers } }).then(
        ({ status }) => status,
      );
    const json = { 'Content-Type': 'application/json' };
    expect(await post(json)).toBe(403);
    expect(await post({ ...json, origin: 'http://evil.example' })).toBe(403);
    expect(await post({ 'Content-Type': 'text/plain', origin: example.url })).toBe(403);
  });
});

describe('the connect view, of a Dobby that asks nobody', () => {
  it('connects what the visitor may hear, and a logout ends it', async () => {
    const [ann, nobody] = [new Visitor(alone), new Visitor(alone)];
    visitors.push(ann, nobody);
    await ann.form('/login', { user: 'ann', password: 'ann-1815' });
    ann.open(['lobby', 'attic'], { connectUrl: '/dobby/connect' });
    nobody.open(['lobby'], { connectUrl: '/dobby/connect' });
    await ann.has('refused', 'attic: connect_refused');
    await nobody.has('refused', 'lobby: connect_refused');
    await alone.api('update', { path: 'lobby', message: 'hello' });
    await ann.has('heard', 'lobby: hello');
    await ann.form('/logout', {});
    await ann.has('kicked', false, WITHIN_MS);
    await ann.has('refused', 'lobby: connect_refused');
    expect(nobody.heard).toEqual([]);
  });
});
