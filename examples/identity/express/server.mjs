/**
 * A back end in Express that tells Dobby who is asking, in each of the ways of docs/identity.md. It keeps its logins in memory,
 * where an app has a store of sessions; the two people are there to try it. Cookies need `secure: true` as soon as there is TLS.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express from 'express';

const DOBBY = 'http://127.0.0.1:4020';
const PEOPLE = {
  ann: { password: 'ann-1815', hears: ['lobby', 'ledger'] },
  ben: { password: 'ben-1912', hears: ['lobby'] },
};

/** Returns what a file of Dobby's state folder holds, one secret in each line: the first signs, all verify. */
const secrets = (name) =>
  readFileSync(`.dobby/${name}`, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** Who is logged in, by the cookie. */
const logins = new Map();
const app = express();

function loginOf(request) {
  const [, sid] = /(?:^|; )sid=([\w-]+)/.exec(request.headers.cookie ?? '') ?? [];
  return logins.get(sid) ?? null;
}

/** Who may hear what: the one place where that is decided. */
function mayHear(user, path) {
  return PEOPLE[user]?.hears.includes(path) === true;
}

/** Asks Dobby's API. */
async function dobby(method, body) {
  const response = await fetch(`${DOBBY}/api/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secrets('api-key')[0]}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method}: ${await response.text()}`);
  return response.json();
}

// 1. The back end connects the session. With the cookies of the page, so: JSON only, and from our own pages only.
app.post('/dobby/connect', express.json(), async (request, response) => {
  const { origin, host } = request.headers;
  if (origin !== `http://${host}` || !request.is('json')) return response.sendStatus(403);
  const login = loginOf(request);
  if (login === null) return response.sendStatus(403);
  const { uid, paths } = request.body;
  const granted = paths.filter((path) => mayHear(login.user, path));
  await dobby('connect', { id: uid, paths: granted, user: login.user, login: login.tag });
  response.json({ refused: paths.filter((path) => !granted.includes(path)) });
});

// 2. Dobby asks the back end: at open with the cookies of the page, later with the user that was answered then.
app.post('/dobby/session', express.raw({ type: 'application/json', limit: '1mb' }), (request, response) => {
  if (!isDobbys(request)) return response.status(401).json({ error: { code: 'unauthorized' } });
  const question = JSON.parse(request.body);
  const login = question.type === 'session' ? loginOf(request) : question;
  const user = login?.user ?? null;
  const grants = question.paths.filter((path) => mayHear(user, path));
  const refused = question.paths.filter((path) => !grants.includes(path));
  if (question.type === 'subscribe') return response.json({ grants, refused });
  response.json({ user, login: login?.tag ?? null, grants, refused, expiresInMs: 3_600_000 });
});

/** Nonces of the last two minutes. With several processes they belong where all see them. */
const seen = new Set();

/** Whether Dobby has signed a request, within the last minute, and for the first time. Its body is raw bytes. */
function isDobbys({ method, originalUrl, headers, body = '' }) {
  const signature = /^t=(\d+),nonce=([\w-]+),v1=([0-9a-f]{64})$/.exec(headers['dobby-signature'] ?? '');
  if (signature === null) return false;
  const [, t, nonce, v1] = signature;
  if (Math.abs(Date.now() - Number(t)) > 60_000) return false;
  const digest = createHash('sha256').update(body).digest('hex');
  const signed = [method, originalUrl, t, nonce, digest].join('\n');
  const isSignedWith = (secret) =>
    timingSafeEqual(createHmac('sha256', secret).update(signed).digest(), Buffer.from(v1, 'hex'));
  if (!secrets('webhook-secret').some(isSignedWith) || seen.has(nonce)) return false;
  seen.add(nonce);
  setTimeout(() => seen.delete(nonce), 120_000).unref();
  return true;
}

// 3. Tokens: the page asks for one, and brings it to Dobby, who asks nobody.
app.get('/token', (request, response) => {
  const login = loginOf(request);
  if (login === null) return response.sendStatus(401);
  const claims = { sub: login.user, login: login.tag, grants: PEOPLE[login.user].hears };
  response.set('Cache-Control', 'no-store').type('text').send(token(claims, 900_000));
});

/** Signs a token that is good for so long. The times have their milliseconds: after a `kick` they count. */
function token(claims, lifetimeMs) {
  const now = Date.now();
  const times = { iat: now / 1000, exp: (now + lifetimeMs) / 1000 };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, ...times, aud: 'dobby' })}`;
  return `${text}.${createHmac('sha256', secrets('token-secret')[0]).update(text).digest('base64url')}`;
}

app.post('/login', express.urlencoded(), async (request, response) => {
  const { user, password } = request.body;
  if (!Object.hasOwn(PEOPLE, user) || PEOPLE[user].password !== password) return response.sendStatus(403);
  await endLogin(request); // somebody else's, perhaps
  const sid = randomBytes(24).toString('base64url');
  // Dobby lists the tag among its sessions, so it is not the cookie itself.
  logins.set(sid, { user, sid, tag: createHash('sha256').update(sid).digest('hex') });
  response.cookie('sid', sid, { httpOnly: true, sameSite: 'lax' }).redirect('/');
});

app.post('/logout', async (request, response) => {
  await endLogin(request);
  response.clearCookie('sid').redirect('/');
});

/** Ends a login: here first, then in Dobby, which sends all pages of this browser away. */
async function endLogin(request) {
  const login = loginOf(request);
  if (login === null) return;
  logins.delete(login.sid);
  await dobby('kick', { login: login.tag });
}

app.get('/', (request, response) => {
  const login = loginOf(request);
  const form =
    login === null
      ? '<form method="post" action="/login"><input name="user"><input name="password" type="password"><button>Log in</button></form>'
      : `<form method="post" action="/logout">${login.user} <button>Log out</button></form>`;
  const links = ['connect', 'session', 'tokens'].map((page) => `<li><a href="/${page}.html">${page}</a>`);
  response.send(`<!doctype html><title>Identity</title>${form}<ul>${links.join('')}</ul>`);
});

app.use(express.static('../pages'));
app.listen(8000, '127.0.0.1', () => console.log('http://127.0.0.1:8000'));
