import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERRORS } from '../codes.js';
import type { ControlFrame } from '../frames.js';
import type { GapReason } from '../positions.js';
import { fixture } from './fixtures.js';

const down = fixture('down');
const poll = fixture('poll');
const frames = [...down.map(({ frame }) => frame), ...poll.flatMap(({ answer }) => answer.updates)];
const isType = (type: string) => (frame: object) => 'type' in frame && frame.type === type;

describe.each(['down', 'later', 'poll', 'up', 'bodies', 'api'] as const)('%s.json', (file) => {
  it('names each case once', () => {
    const names = fixture(file).map(({ name }) => name);
    expect(names).not.toHaveLength(0);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('frames of the server', () => {
  it.each(down)('$name', ({ json, frame }) => {
    expect(JSON.parse(json)).toEqual(frame);
    expect(JSON.parse(JSON.stringify(frame))).toEqual(frame);
  });

  it.each(fixture('later'))('later: $name', ({ json, frame }) => {
    expect(JSON.parse(json)).toEqual(frame);
  });

  it.each(poll)('poll: $name', ({ json, answer }) => {
    expect(JSON.parse(json)).toEqual(answer);
    expect(JSON.stringify(answer)).toBe(json);
  });

  it('are as the server writes them, but for those that another encoder wrote', () => {
    const differ = down.filter(({ json, frame }) => JSON.stringify(frame) !== json).map(({ name }) => name);
    expect(differ).toHaveLength(2);
    for (const name of differ) expect(name).toContain('another encoder');
  });

  it('are there of every type, and updates with and without a position', () => {
    const types: Record<ControlFrame['type'], true> = {
      opened: true,
      subscribed: true,
      pending: true,
      refused: true,
      unsubscribed: true,
      gap: true,
      state: true,
      reply: true,
      ticket: true,
      renewed: true,
      ping: true,
      probed: true,
      error: true,
      closing: true,
    };
    for (const type of Object.keys(types)) expect(frames.some(isType(type)), type).toBe(true);
    const updates = frames.filter((frame) => !('type' in frame));
    expect(updates.some((frame) => 'position' in frame)).toBe(true);
    expect(updates.some((frame) => !('position' in frame))).toBe(true);
  });

  it('are there of every reason of a gap', () => {
    const reasons: Record<GapReason, true> = { evicted: true, restarted: true, slow: true, no_log: true };
    const found = new Set(frames.flatMap((frame) => ('reason' in frame ? [frame.reason] : [])));
    expect([...found].sort()).toEqual(Object.keys(reasons).sort());
  });

  it('use codes of the tables, and their messages', () => {
    const codes = new Set<number>(Object.values(CLOSE_CODES));
    for (const frame of frames) {
      if (!('type' in frame)) continue;
      if (frame.type === 'error') expect(frame.message).toBe(ERRORS[frame.code].message);
      if (frame.type === 'refused') {
        for (const item of frame.paths) expect(item.message).toBe(ERRORS[item.code].message);
      }
      if (frame.type === 'reply' && 'error' in frame) expect(ERRORS).toHaveProperty(frame.error.code);
      if (frame.type !== 'closing') continue;
      expect(codes.has(frame.code), String(frame.code)).toBe(true);
      if (frame.error !== undefined) expect(ERRORS).toHaveProperty(frame.error);
    }
  });
});

describe('frames of a client', () => {
  const up = [...fixture('up'), ...fixture('bodies')];

  it.each(up.filter(({ code }) => code === undefined))('good: $name', ({ json }) => {
    expect(JSON.parse(json)).toMatchObject({ type: expect.any(String) });
  });

  it.each(up.filter(({ code }) => code === 'bad_json'))('no JSON: $name', ({ json }) => {
    expect(() => JSON.parse(json)).toThrow(SyntaxError);
  });

  it.each(up.filter(({ code }) => code === 'bad_frame'))('no object: $name', ({ json }) => {
    const value: unknown = JSON.parse(json);
    expect(value === null || typeof value !== 'object' || Array.isArray(value)).toBe(true);
  });

  it('that are bad have a code of the table; all but two codes name a field', () => {
    for (const { name, code, field } of up) {
      if (code === undefined) continue;
      expect(ERRORS, name).toHaveProperty(code);
      expect(field !== undefined, name).toBe(code !== 'bad_json' && code !== 'bad_frame');
    }
  });

  it('are there good and bad of every type', () => {
    for (const type of [
      'open',
      'subscribe',
      'unsubscribe',
      'command',
      'pong',
      'probe',
      'close',
      'poll',
      'send',
    ]) {
      const ofType = up.filter(({ json }) => json.includes(`"type":"${type}"`));
      expect(
        ofType.some(({ code }) => code === undefined),
        `a good ${type}`,
      ).toBe(true);
      expect(
        ofType.some(({ code }) => code !== undefined),
        `a bad ${type}`,
      ).toBe(true);
    }
  });
});

describe('calls of a back end', () => {
  const api = fixture('api');

  it.each(api.filter(({ status }) => status !== 200))('$name', ({ status, reply }) => {
    const error = reply['error'] as { code: keyof typeof ERRORS; message: string; retryable: boolean };
    expect(ERRORS[error.code]).toMatchObject({ status, message: error.message, retryable: error.retryable });
  });

  it('are there good and bad for each method', () => {
    for (const method of ['update', 'updates', 'connect', 'disconnect', 'kick', 'history', 'state']) {
      const ofMethod = api.filter((call) => call.method === method);
      expect(
        ofMethod.some(({ status }) => status === 200),
        `a good ${method}`,
      ).toBe(true);
      expect(
        ofMethod.some(({ status }) => status !== 200),
        `a bad ${method}`,
      ).toBe(true);
    }
  });
});

it('describes every file in its README', () => {
  const files = readdirSync(new URL('../fixtures/', import.meta.url)).filter((file) =>
    file.endsWith('.json'),
  );
  expect(files.sort()).toEqual(
    ['api', 'bodies', 'down', 'keys', 'later', 'paths', 'patterns', 'poll', 'secrets', 'tables', 'up'].map(
      (name) => `${name}.json`,
    ),
  );
});
