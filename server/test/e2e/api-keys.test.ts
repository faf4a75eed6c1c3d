/** API keys of a file, against a real server: rotated while it runs, and refused at the start when they are wrong. */
import { createHash } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/time/clock.js';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';

const FULL = 'the-key-that-may-do-everything';
const OLD = 'the-old-key-of-django';
const NEW = 'the-new-key-of-django';
/** A change is to be in force after so long. */
const WITHIN_MS = 2_000;

let file: string;
let dobby: Dobby | null = null;
let url: string;

beforeEach(() => {
  file = join(tempFolder(), 'api-keys.json');
});

afterEach(async () => {
  await dobby?.stop();
  dobby = null;
});

function create(): Dobby {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), apiKey: FULL, apiKeys: file, logLevel: 'silent' });
  return dobby;
}

/** Replaces the file as editors do. */
function put(content: unknown): void {
  writeFileSync(`${file}.new`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${file}.new`, file);
}

async function update(key: string, path = 'chat/1'): Promise<number> {
  const response = await fetch(`${url}/api/update`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({ path, message: 1 }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Waits until updates with these keys are answered so. */
async function until(wanted: Record<string, number>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const found: Record<string, number> = {};
    for (const key of Object.keys(wanted)) found[key] = await update(key);
    if (JSON.stringify(found) === JSON.stringify(wanted)) return;
    if (performance.now() > deadline) expect(found, `after ${WITHIN_MS} ms`).toEqual(wanted);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const oldKey = { name: 'django', key: OLD, methods: ['update'], patterns: ['chat/{room}'] };
const newKey = {
  ...{ name: 'django-2', methods: ['update'], patterns: ['chat/{room}'] },
  sha256: createHash('sha256').update(NEW).digest('hex'),
};

it('keys are rotated while the server runs, and a broken file changes nothing', async () => {
  put([oldKey]);
  url = await create().start();
  expect([await update(OLD), await update(OLD, 'secret'), await update(NEW)]).toEqual([200, 403, 401]);
  put([oldKey, newKey]);
  await until({ [OLD]: 200, [NEW]: 200 });
  put([newKey]);
  await until({ [OLD]: 401, [NEW]: 200, [FULL]: 200 });
  expect(await update(NEW, 'secret')).toBe(403);

  put('[{"name": "django", "key":');
  await new Promise((resolve) => setTimeout(resolve, WITHIN_MS)); // that nothing happens has no event
  expect([await update(OLD), await update(NEW), await update(FULL)]).toEqual([401, 200, 200]);
  rmSync(file);
  await new Promise((resolve) => setTimeout(resolve, WITHIN_MS));
  expect([await update(OLD), await update(NEW)]).toEqual([401, 200]);
  put([oldKey]);
  await until({ [OLD]: 200, [NEW]: 401 });
});

it('a wrong file is refused at the start, without a key in the message', () => {
  expect(create).toThrow(`apiKeys: "${file}" does not exist`);
  put([{ ...oldKey, key: 'too-short' }]);
  expect(create).toThrow(
    `apiKeys: "${file}" is not valid: 0.key: must have at least 16 characters of ASCII, no spaces`,
  );
  put([{ ...oldKey, key: FULL }]);
  expect(create).toThrow(`apiKeys: "${file}" is not valid: 0.key: this key is also the unrestricted apiKey`);
  put(`[{"name": "django", "key": "${OLD}"`);
  expect(create).toThrow(/^apiKeys: "[^ "]*" is not JSON[^"]*$/);
});

it('a server that has stopped looks at its file no more', async () => {
  put([oldKey]);
  await create().start();
  await dobby?.stop();
  const after = vi.spyOn(systemClock, 'after');
  await new Promise((resolve) => setTimeout(resolve, WITHIN_MS)); // as above
  expect(after).not.toHaveBeenCalled();
  after.mockRestore();
});
