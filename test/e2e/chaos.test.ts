/** The chaos script in its short form: that it runs, does harm of every kind, and finds every client hearing what it wished for. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUDGET = ['--seed', '1', '--minutes', '0.4', '--busy', '10', '--pages', '2', '--clients', '6'];

it('clients behind a hostile network end up hearing exactly what they wished for', {
  timeout: 120_000,
}, async () => {
  const { stdout, code } = await promisify(execFile)(process.execPath, ['test/chaos/run.mjs', ...BUDGET], {
    cwd: ROOT,
    timeout: 110_000,
  }).then(
    (output) => ({ ...output, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  // The whole output is in the message when something is wrong: it says what happened before.
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/^violations +0$/m);
  for (const harm of ['cuts', 'late opens', 'page restores', 'swallowed', 'delayed', 'restarts', 'crashes'])
    expect(stdout).toMatch(new RegExp(`^${harm} +[1-9]`, 'm'));
});
