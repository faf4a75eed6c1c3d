import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.js';
import { settled } from '../support.js';
import { open } from './support.js';

describe('what is wrong with a command', () => {
  const circle: unknown[] = [];
  circle.push(circle);

  it.each([
    [['', 'say'], 'bad_path', 'path'],
    [[7, 'say'], 'bad_path', 'path'],
    [[undefined], 'bad_path', 'path'],
    [[1n, 'say'], 'bad_path', 'path'],
    [['a*', 'say'], 'bad_path', 'path'],
    [['::all', 'say'], 'reserved_path', 'path'],
    [['a', ''], 'bad_field', 'command'],
    [['a'], 'bad_field', 'command'],
    [['a', 'x'.repeat(256)], 'bad_field', 'command'],
    [['a', 'ü'.repeat(128)], 'bad_field', 'command'],
    [['a', 'say\n'], 'bad_field', 'command'],
    [['a', 'say', () => 1], 'bad_field', 'args'],
    [['a', 'say', Symbol('a')], 'bad_field', 'args'],
    [['a', 'say', 1n], 'bad_field', 'args'],
    [['a', 'say', circle], 'bad_field', 'args'],
    [['a', 'say', 'x'.repeat(LIMITS.frameBytes)], 'too_large', 'args'],
    [['a', 'say', 'ü'.repeat(LIMITS.frameBytes / 2)], 'too_large', 'args'],
    [['a', 'say', {}, null], 'bad_field', 'options'],
    [['a', 'say', {}, 1_000], 'bad_field', 'options'],
    [['a', 'say', {}, { timeoutMs: 0 }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: -1 }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: Number.NaN }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: Number.POSITIVE_INFINITY }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { timeoutMs: '1' }], 'bad_field', 'timeoutMs'],
    [['a', 'say', {}, { signal: {} }], 'bad_field', 'signal'],
    [['a', 'say', {}, { idempotent: 1 }], 'bad_field', 'idempotent'],
    [['a', 'say', {}, { retries: 3 }], 'unknown_field', 'retries'],
    [['a', 'say', {}, { constructor: 3 }], 'unknown_field', 'constructor'],
  ])('is told by its promise: case %#', async (given, code, field) => {
    const stage = await open();
    const send = stage.commanded.send as (...given: unknown[]) => Promise<unknown>;
    await expect(send(...given)).rejects.toMatchObject({ name: 'CommandError', code, field });
    expect([stage.transport.sent, stage.pomona.state]).toEqual([[], 'open']);
  });

  it('is nothing when an option is undefined, or arguments are as large as they may be', async () => {
    const stage = await open();
    const options = { timeoutMs: undefined, signal: undefined, idempotent: undefined };
    stage.give('say', options, 'x'.repeat(LIMITS.frameBytes - 300));
    expect(stage.carried).toEqual([['say', 1]]);
  });
});

describe('a frame', () => {
  it('is never larger than the server takes, with all that it can say', async () => {
    const stage = await open();
    const options = { idempotent: true, timeoutMs: 2 ** 31 - 1 };
    let length = LIMITS.frameBytes - 300;
    for (; stage.outcomes.length === 0; length++) {
      stage.give('x'.repeat(255), options, 'x'.repeat(length - 255));
      await settled();
      if (stage.outcomes.length === 0) await stage.replies('x'.repeat(255)).then(() => stage.outcomes.pop());
    }
    const largest = { ...stage.frameOf('x'.repeat(255)), again: true, n: Number.MAX_SAFE_INTEGER };
    const bytes = JSON.stringify({ ...largest, uid: 'u'.repeat(LIMITS.uidCharacters) }).length;
    expect(stage.outcomes).toEqual([[expect.any(String), 'too_large']]);
    expect(bytes).toBeLessThanOrEqual(LIMITS.frameBytes);
    expect(bytes).toBeGreaterThan(LIMITS.frameBytes - 32);
  });
});
