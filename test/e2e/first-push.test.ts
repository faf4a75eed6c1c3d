/**
 * The README's first minute, done as it says: `npm start`, the page in a real Chromium, the curl lines in a real shell. Also through an nginx as it
 * comes, where WebSockets do not pass.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNginx } from '../../server/test/e2e/nginx.js';
import { type ServerProcess, startServer } from './server-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SHOTS = join(ROOT, 'test-output');
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let stateDir: string;
let server: ServerProcess;
let browser: Browser;
let key: string;

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-first-'));
  server = await startServer(['--demo', '--port', '0', '--state-dir', stateDir]);
  key = readFileSync(join(stateDir, 'api-key'), 'utf8').trim();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM_FLAGS });
});

afterAll(async () => {
  await browser.close();
  await server.kill('SIGTERM');
  rmSync(stateDir, { recursive: true });
});

/** Opens the demonstration page in a window of its own, and notes whatever it was answered. */
async function openDemo(url: string, width: number): Promise<{ page: Page; answers: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  const answers: string[] = [];
  page.on('response', (response) => {
    answers.push(JSON.stringify(response.headers()));
    if (/\/(demo|pomona)/.test(response.url()))
      void response.text().then(
        (text) => answers.push(text),
        () => {},
      );
  });
  page.on('pageerror', (error) => answers.push(`PAGE ERROR ${error}`));
  await page.goto(`${url}/demo#key=${key}`);
  await page.waitForSelector('#state[data-state="open"]');
  return { page, answers };
}

describe('npm start', () => {
  it('runs a server and prints the page and the curl lines', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobby-npm-'));
    const child = spawn('npm', ['start', '--', '--port', '0', '--state-dir', folder], {
      cwd: ROOT,
      detached: true,
    });
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the curl line was not printed within 20 s: ${output}`)),
        20_000,
      );
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (!output.includes('/api/update"')) return;
        clearTimeout(timer);
        resolve();
      });
      child.on('exit', () => reject(new Error(`npm start ended: ${output}`)));
    });
    const page = await fetch(/http:\S+\/demo/.exec(output)?.[0] ?? '');
    expect(page.status).toBe(200);
    const made = readFileSync(join(folder, 'api-key'), 'utf8').trim();
    // Not a terminal: what is printed may be kept, so the key is not in it.
    expect(output).not.toContain(made);
    process.kill(-(child.pid as number), 'SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    rmSync(folder, { recursive: true });
  });

  it('the printed curl lines read and send', async () => {
    const curls = server.output().match(/^ {2}curl .*$/gm) ?? [];
    expect(curls).toHaveLength(2);
    const reader = spawn('bash', ['-c', `exec ${curls[0]?.trim()} -s`]);
    let read = '';
    const arrived = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`"Hello!" did not arrive within 10 s: ${read}`)),
        10_000,
      );
      reader.stdout.on('data', (chunk) => {
        read += String(chunk);
        if (!read.includes('Hello!')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    await new Promise<void>((resolve) => reader.stdout.once('data', () => resolve()));
    const { stdout } = await promisify(execFile)('bash', ['-c', `${curls[1]?.trim()} -s`]);
    expect(JSON.parse(stdout)).toMatchObject({ position: { offset: 1 } });
    await arrived;
    reader.kill();
  });
});

describe('the demonstration page', () => {
  it.each([
    ['wide', 1280],
    ['narrow', 375],
  ])('sends an update that arrives in two windows (%s)', async (name, width) => {
    const [one, two] = await Promise.all([openDemo(server.url, width), openDemo(server.url, width)]);
    const text = `Hello, ${name} <b>&</b> "quoted"!`;
    await one.page.fill('#message', text);
    await one.page.click('button');
    for (const { page } of [one, two]) await page.waitForSelector(`#updates li:has-text("Hello, ${name}")`);
    expect(await two.page.textContent('#updates .message')).toBe(text);
    expect(await two.page.textContent('#state')).toContain('websocket');
    await one.page.screenshot({ path: join(SHOTS, `demo-${name}.png`), fullPage: true });
    for (const { page, answers } of [one, two]) {
      expect(answers.filter((answer) => answer.includes(key) || answer.startsWith('PAGE ERROR'))).toEqual([]);
      expect(page.url()).not.toContain(key);
      await page.context().close();
    }
  });

  it('falls back by itself behind an nginx that passes no WebSockets', async () => {
    const nginx = await startNginx(server.url);
    const { page } = await openDemo(nginx.url, 800);
    expect(await page.textContent('#state')).toContain('event-stream');
    await page.fill('#message', 'through nginx');
    await page.click('button');
    await page.waitForSelector('#updates li:has-text("through nginx")');
    await page.context().close();
    await nginx.stop();
  });

  it.each([
    ['wide', 1200],
    ['narrow', 360],
  ])('shows keys and what was removed, and sends nothing that was not written (%s)', async (name, width) => {
    const { page } = await openDemo(server.url, width);
    await page.fill('#path', `keys/${name}`);
    await page.fill('#message', '');
    await page.click('button');
    expect(await page.textContent('#empty')).toBe('Nothing yet since you came.');
    // What the browser refuses to send it says beside the field.
    expect(await page.locator('#message:invalid').count()).toBe(1);
    await page.fill('#message', 'first');
    await page.click('button');
    await page.waitForSelector('#updates .message:has-text("first")');
    for (const message of [{ name: 'Ada' }, null]) {
      await fetch(`${server.url}/api/update`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
        body: JSON.stringify({ path: `demo/keys/${name}`, key: '7', message }),
      });
    }
    await page.waitForSelector('#updates .said');
    const shown = await page.locator('#updates .message').allTextContents();
    expect(shown).toEqual(['7removed', '7{"name":"Ada"}', 'first']);
    await page.screenshot({ path: join(SHOTS, `demo-keys-${name}.png`) });
    await page.context().close();
  });

  it('says what is wrong with a wrong key', async () => {
    const { page } = await openDemo(server.url, 800);
    await page.evaluate(() => {
      (document.getElementById('key') as HTMLInputElement).value = 'wrong';
    });
    await page.click('button');
    await page.waitForSelector('#problem:has-text("unauthorized")');
    await page.context().close();
  });
});

describe('dobby update and dobby watch', () => {
  it('push from one shell to another', async () => {
    const main = join(ROOT, 'server/dist/server/src/cli/main.js');
    const remote = ['--url', server.url, '--state-dir', stateDir];
    const watcher = spawn(process.execPath, [main, 'watch', 'shell/only', ...remote]);
    let seen = '';
    watcher.stdout.on('data', (chunk) => {
      seen += String(chunk);
    });
    const run = promisify(execFile);
    const deadline = Date.now() + 15_000;
    // The watch has no line that says it has begun: send until the first one arrives.
    for (let i = 1; !seen.includes('"message":{"i":') && Date.now() < deadline; i++) {
      const { stdout } = await run(process.execPath, [main, 'update', 'shell/only', `{"i":${i}}`, ...remote]);
      expect(JSON.parse(stdout)).toMatchObject({ position: { offset: i } });
    }
    expect(seen).toContain('{"path":"shell/only","message":{"i":');
    watcher.kill();
    const failed = await run(process.execPath, [main, 'update', '::connect', 'x', ...remote]).catch(
      (error) => error,
    );
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('reserved_path') });
  });

  it('set and remove keys of a state, follow it, and tell what the log holds', async () => {
    const main = join(ROOT, 'server/dist/server/src/cli/main.js');
    const remote = ['--url', server.url, '--state-dir', stateDir];
    const run = async (...args: string[]) =>
      (await promisify(execFile)(process.execPath, [main, ...args, ...remote])).stdout;
    await run('update', 'shell/state', '{"i":1}', '--state-key', 'a');
    await run('update', 'shell/state', '2', '--state-key', 'b');
    const watcher = spawn(process.execPath, [main, 'watch', 'shell/state', '--state', ...remote]);
    let seen = '';
    watcher.stdout.on('data', (chunk) => {
      seen += String(chunk);
    });
    await expect.poll(() => seen, { timeout: 15_000 }).toContain('"last":true');
    expect(JSON.parse(seen)).toMatchObject({
      type: 'state',
      entries: [
        { key: 'a', message: { i: 1 } },
        { key: 'b', message: 2 },
      ],
    });
    await run('update', 'shell/state', 'null', '--state-key', 'a');
    await expect.poll(() => seen, { timeout: 15_000 }).toContain('"key":"a","message":null');
    watcher.kill();
    const lines = (await run('history', 'shell/state')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual([{ i: 1 }, 2, null]);
    expect((await run('history', 'shell/state', '--limit', '2')).match(/"offset":\d/g)).toEqual([
      '"offset":2',
      '"offset":3',
    ]);
  });
});
