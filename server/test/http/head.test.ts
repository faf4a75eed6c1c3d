/** HEAD is answered wherever GET is, with the same status and headers and without a body (RFC 9110, 9.3.2). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { makeTempFolder } from '../support/temp-folder.js';

let dobby: Dobby;
let url: string;
let folder: ReturnType<typeof makeTempFolder>;

beforeAll(async () => {
  folder = makeTempFolder();
  dobby = createDobby({ port: 0, stateDir: folder.path, demo: true, logLevel: 'silent' });
  url = await dobby.start();
});

afterAll(async () => {
  await dobby.stop();
  folder.remove();
});

it.each([
  '/health',
  '/api/openapi.json',
  '/pomona.js',
  '/demo',
  '/demo/demo.css',
  '/',
  '/comet?path=demo/a',
  '/comet?path=private',
  '/comet',
  '/nothing',
  '/api/nothing',
  '/api/update',
])('HEAD %s is answered as GET is', async (path) => {
  const abort = new AbortController();
  const get = await fetch(`${url}${path}`, { redirect: 'manual', signal: abort.signal });
  const head = await fetch(`${url}${path}`, { method: 'HEAD', redirect: 'manual' });
  expect(head.status).toBe(get.status);
  expect(head.headers.get('content-type')?.split(';')[0]).toBe(
    get.headers.get('content-type')?.split(';')[0],
  );
  expect(await head.text()).toBe('');
  abort.abort();
});

it('HEAD opens no stream', async () => {
  const { opened } = dobby.info;
  await fetch(`${url}/comet?path=demo/a`, { method: 'HEAD' });
  expect(dobby.info.opened).toBe(opened);
});
