import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sign } from '../../src/back-end/signature.js';

const REQUEST = { method: 'POST', target: '/dobby/command/?a=1', body: '{"type":"command"}' };
const OPTIONS = { secret: 'a-secret-of-the-tests', now: 1_790_000_000_000, nonce: 'nonce' };

describe('a signature', () => {
  it('is the HMAC of method, target, time, nonce and the digest of the body', () => {
    const digest = createHash('sha256').update(REQUEST.body).digest('hex');
    const lines = `POST\n/dobby/command/?a=1\n1790000000000\nnonce\n${digest}`;
    const mac = createHmac('sha256', OPTIONS.secret).update(lines).digest('hex');
    expect(sign(REQUEST, OPTIONS)).toBe(`t=1790000000000,nonce=nonce,v1=${mac}`);
  });

  it.each([
    ['the body', { ...REQUEST, body: '{"type":"commanD"}' }, OPTIONS],
    ['the URL', { ...REQUEST, target: '/dobby/command/?a=2' }, OPTIONS],
    ['the method', { ...REQUEST, method: 'PUT' }, OPTIONS],
    ['the secret', REQUEST, { ...OPTIONS, secret: 'another-secret-of-tests' }],
    ['the time', REQUEST, { ...OPTIONS, now: OPTIONS.now + 1 }],
    ['the nonce', REQUEST, { ...OPTIONS, nonce: 'other' }],
  ])('is another one when %s is', (_what, request, options) => {
    const mac = (header: string) => header.split('v1=')[1];
    expect(mac(sign(request, options))).not.toBe(mac(sign(REQUEST, OPTIONS)));
  });

  it('has another nonce each time', () => {
    const { secret, now } = OPTIONS;
    expect(sign(REQUEST, { secret, now })).not.toBe(sign(REQUEST, { secret, now }));
  });
});
