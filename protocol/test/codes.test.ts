import { describe, expect, it } from 'vitest';
import { afterClose, CLOSE_CODES, ERRORS } from '../codes.js';

const closes = Object.entries(CLOSE_CODES);
const errors = Object.entries(ERRORS);

describe('close codes', () => {
  const expected = {
    resume: [
      'restarting',
      'stalled',
      'outbox_full',
      'open_timeout',
      'ping_timeout',
      'failed',
      'busy',
      'token_refused',
      'identity_expired',
      'superseded',
      'flooded',
    ],
    renew: ['kicked', 'ticket_refused'],
    stop: ['taken_over', 'dismissed', 'open_refused', 'ended'],
  };

  it.each(Object.entries(expected))('those after which a client does "%s"', (what, names) => {
    expect(closes.filter(([, code]) => afterClose(code) === what).map(([name]) => name)).toEqual(names);
  });

  it('stand in the range that applications may use, each once', () => {
    const codes = closes.map(([, code]) => code);
    for (const code of codes) expect(code >= 4000 && code < 4300, String(code)).toBe(true);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it.each([
    [1000, 'resume'],
    [1001, 'resume'],
    [1006, 'resume'],
    [1009, 'resume'],
    [3999, 'resume'],
    [4000, 'resume'],
    [4099, 'resume'],
    [4100, 'renew'],
    [4199, 'renew'],
    [4200, 'stop'],
    [4299, 'stop'],
    [4300, 'resume'],
  ] as const)('%i means %s', (code, what) => {
    expect(afterClose(code)).toBe(what);
  });
});

describe('errors', () => {
  it.each(errors)('%s is a code, a status of a failure and a sentence', (code, { status, message }) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(status >= 400 && status < 600).toBe(true);
    expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it('are retryable where the status says so, and where the request may not be as it was sent', () => {
    const temporary = [408, 431, 502, 503, 500];
    for (const [code, { status, retryable }] of errors) {
      expect(retryable, code).toBe(temporary.includes(status) || code === 'bad_request');
    }
  });

  it('have a sentence of their own', () => {
    const messages = errors.map(([, { message }]) => message);
    expect(new Set(messages).size).toBe(messages.length);
  });
});
