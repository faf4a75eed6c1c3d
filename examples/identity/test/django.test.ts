/** The example in Django: the session view and tokens from end to end, a logout, a right that is taken away. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Example, ROOT } from './example.js';
import { Visitor } from './visitor.js';

/** As the guide says. */
const WITHIN_MS = 1_000;
const NOTHING = (): void => {};

let example: Example;
const visitors: Visitor[] = [];

beforeAll(async () => {
  example = await Example.start('Django');
});
afterEach(() => {
  for (const visitor of visitors.splice(0)) visitor.leave();
});
afterAll(() => example?.stop());

/** Somebody new, logged in where a name is given. */
async function visitorOf(user?: 'ann' | 'ben'): Promise<Visitor> {
  const visitor = new Visitor(example);
  visitors.push(visitor);
  await visitor.fetch('/session.html'); // the cookie of the CSRF token
  if (user === undefined) return visitor;
  const password = { ann: 'ann-1815', ben: 'ben-1912' }[user];
  expect((await post(visitor, '/', { username: user, password })).status).toBe(302);
  return visitor;
}

const post = (visitor: Visitor, url: string, fields: Record<string, string> = {}) =>
  visitor.form(url, { ...fields, csrfmiddlewaretoken: visitor.cookie('csrftoken') });

const token = (visitor: Visitor) => async () => {
  const response = await visitor.fetch('/token');
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.text();
};

describe('a page that Dobby asks about', () => {
  it('hears what authorize allows, and is refused the rest', async () => {
    const [ann, ben, nobody] = await Promise.all([visitorOf('ann'), visitorOf('ben'), visitorOf()]);
    const pages = [ann, ben, nobody].map((visitor) => visitor.open(['lobby', 'ledger']));
    await Promise.all(pages.slice(0, 2).map((page) => page.connect('lobby', NOTHING).ready));
    await ben.has('refused', 'ledger: connect_refused');
    await nobody.has('refused', 'lobby: connect_refused');
    await example.api('update', { path: 'lobby', message: 'hello' });
    await example.api('update', { path: 'ledger', message: 'twelve' });
    await Promise.all([ann.has('heard', 'ledger: twelve'), ben.has('heard', 'lobby: hello')]);
    expect(ben.heard).toEqual(['lobby: hello']);
    expect(nobody.heard).toEqual([]);
  });

  it('is sent away within a second of its logout, and no other is', async () => {
    const [ann, elsewhere] = await Promise.all([visitorOf('ann'), visitorOf('ann')]);
    const [page, other] = [ann.open(['lobby']), elsewhere.open(['lobby'])];
    await Promise.all([page, other].map((each) => each.connect('lobby', NOTHING).ready));
    const first = other.id;
    await post(ann, '/logout');
    await ann.has('kicked', false, WITHIN_MS);
    await ann.has('refused', 'lobby: connect_refused');
    await example.api('update', { path: 'lobby', message: 'after' });
    await elsewhere.has('heard', 'lobby: after');
    expect(other.id).toBe(first);
    expect(ann.heard).toEqual([]);
  });
});

describe('a page with a token', () => {
  it('hears what the token grants, until the logout', async () => {
    const [ann, ben] = await Promise.all([visitorOf('ann'), visitorOf('ben')]);
    ben.open(['lobby', 'ledger'], { tokens: { session: token(ben) } });
    const page = ann.open(['ledger'], { tokens: { session: token(ann) } });
    await page.connect('ledger', NOTHING).ready;
    await ben.has('refused', 'ledger: connect_refused');
    await example.api('update', { path: 'ledger', message: 'thirteen' });
    await ann.has('heard', 'ledger: thirteen');
    const kept = await token(ann)();
    await post(ann, '/logout');
    await ann.has('errors', 'token_failed');
    const thief = await visitorOf();
    thief.open(['ledger'], { tokens: { session: () => kept } });
    await thief.has('errors', 'revoked_token');
    expect((await (await visitorOf()).fetch('/token')).status).toBe(401);
  });
});

describe('the connect view', () => {
  it('takes nothing without the CSRF token', async () => {
    const answer = await (await visitorOf('ann')).fetch('/dobby/connect', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"uid": "x", "paths": ["lobby"]}',
    });
    expect(answer.status).toBe(403);
  });
});

describe('a right that is taken away', () => {
  it('ends what was heard by it, by the signal of the group', async () => {
    const ann = await visitorOf('ann');
    const page = ann.open(['lobby', 'ledger']);
    await page.connect('ledger', NOTHING).ready;
    const code = 'from django.contrib.auth.models import User; User.objects.get(pk=1).groups.clear()';
    const python = join(ROOT, 'python/.venv/bin/python');
    await promisify(execFile)(python, ['manage.py', 'shell', '-c', code], { cwd: example.folder });
    await ann.has('kicked', false, WITHIN_MS);
    await ann.has('refused', 'ledger: connect_refused');
    await page.connect('lobby', NOTHING).ready;
  });
});
