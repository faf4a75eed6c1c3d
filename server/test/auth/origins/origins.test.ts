import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress } from '../../../src/auth/origins/addresses.js';
import { Origins } from '../../../src/auth/origins/origins.js';

const origins = new Origins({
  host: 'push.example',
  allowedOrigins: [
    'https://app.example',
    'http://dev.example:8000',
    'http://www.example',
    'http://inside',
    'capacitor://localhost',
    'chrome-extension://abcdefghijklmnop',
  ],
  trustedProxies: ['loopback', '10.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
});
const VISITOR = '203.0.113.9';
const PROXY = '10.1.2.3';

describe('a page', () => {
  it.each([
    ['that is no page: no Origin', undefined, 'push.example', true],
    ['that is listed', 'https://app.example', 'push.example', true],
    ['that is listed, with a port', 'http://dev.example:8000', 'push.example', true],
    ['of a listed host on another port', 'http://dev.example:8001', 'push.example', false],
    ['of a listed host with another scheme', 'http://app.example', 'push.example', false],
    ['of a host below a listed one', 'https://evil.app.example', 'push.example', false],
    ['whose host ends like a listed one', 'https://notapp.example', 'push.example', false],
    ['of the host that was asked', 'https://push.example', 'push.example', true],
    ['of the host that was asked, in capitals', 'https://push.example', 'PUSH.example', true],
    ['of the host that was asked, default port named', 'https://push.example', 'push.example:443', true],
    ['of another port of the host that was asked', 'https://push.example', 'push.example:8443', false],
    ['of another port of localhost', 'http://localhost:8000', 'localhost:4020', true],
    ['of another port of 127.0.0.1', 'http://127.0.0.1:8000', '127.0.0.1:4020', true],
    ['of another port of ::1', 'http://[::1]:8000', '[::1]:4020', true],
    ['of localhost, asking 127.0.0.1', 'http://localhost:8000', '127.0.0.1:4020', true],
    ['of a host that begins like loopback', 'http://127.0.0.1.evil.example', '127.0.0.1:4020', false],
    [
      'of a host that begins like localhost',
      'http://localhost.evil.example:1',
      'localhost.evil.example:2',
      false,
    ],
    ['of a listed app', 'capacitor://localhost', 'push.example', true],
    ['of another app', 'ionic://localhost', 'push.example', false],
    ['of an app of the name that was asked', 'app://push.example', 'push.example', false],
    ['of a listed extension', 'chrome-extension://abcdefghijklmnop', 'push.example', true],
    ['of another extension', 'chrome-extension://ponmlkjihgfedcba', 'push.example', false],
    ['of a name that nobody configured, asked by it', 'http://rebound.example', 'rebound.example', false],
    ['of such a name, with a port', 'http://rebound.example:4020', 'rebound.example:4020', false],
    ['of such a name, in one word', 'http://devbox:4020', 'devbox:4020', false],
    [
      'of such a name that looks like an address',
      'http://10.0.0.1.nip.example',
      '10.0.0.1.nip.example',
      false,
    ],
    ['of a listed host that was asked, on another port', 'http://dev.example:9', 'dev.example:9', true],
    ['of the address that was asked', 'http://10.0.0.1:4020', '10.0.0.1:4020', true],
    ['of the address that was asked, in IPv6', 'http://[2001:db8::1]', '[2001:DB8::1]', true],
    ['of a name below localhost', 'http://app.localhost:4020', 'app.localhost:4020', true],
    ['of another site', 'https://evil.example', 'push.example', false],
    ['with the opaque origin "null"', 'null', 'push.example', false],
    ['with an empty origin', '', 'push.example', false],
    ['from a file', 'file://', 'push.example', false],
    ['that names a user', 'https://push.example@evil.example', 'push.example', false],
    ['when no host is named', 'https://push.example', undefined, false],
    ['when the host is none', 'https://push.example', 'a b', false],
  ])('%s', (_name, origin, host, isAllowed) => {
    const headers = { ...(origin === undefined ? {} : { origin }), ...(host === undefined ? {} : { host }) };
    expect(origins.isAllowed(headers, VISITOR)).toBe(isAllowed);
  });

  it('of a host that a proxy names may connect only when the proxy is trusted', () => {
    const headers = { origin: 'https://www.example', host: 'inside:4020', 'x-forwarded-host': 'www.example' };
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', PROXY, '2001:db8::1', '192.0.2.7']) {
      expect(origins.isAllowed(headers, address), address).toBe(true);
    }
    for (const address of [VISITOR, '11.0.0.1', '192.0.2.8', '', 'unix']) {
      expect(origins.isAllowed(headers, address), address).toBe(false);
    }
  });

  it('is compared with the first host that a chain of proxies names, and no longer with its own', () => {
    const headers = { host: 'inside', 'x-forwarded-host': 'www.example, inside' };
    expect(origins.isAllowed({ ...headers, origin: 'https://www.example' }, PROXY)).toBe(true);
    expect(origins.isAllowed({ ...headers, origin: 'https://inside' }, PROXY)).toBe(false);
  });

  it('never makes the check throw, whatever the headers hold', () => {
    const text = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.domain(), fc.ipV6()), {
      nil: undefined,
    });
    const property = fc.property(text, text, text, text, (origin, host, forwarded, address) => {
      const headers = { origin, host, 'x-forwarded-host': forwarded, 'x-forwarded-for': forwarded };
      expect(typeof origins.isAllowed(headers, address ?? PROXY)).toBe('boolean');
      expect(typeof origins.clientAddress(headers, address ?? PROXY)).toBe('string');
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe("a client's address", () => {
  it.each([
    ['is its own without a proxy', VISITOR, '198.51.100.1', VISITOR],
    ['is what the proxy names', PROXY, '198.51.100.1', '198.51.100.1'],
    ['is the last that no trusted proxy has', PROXY, '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['is the first where all are trusted', PROXY, '10.8.8.8, 10.9.9.9', '10.8.8.8'],
    ['is unknown where the header is nonsense', PROXY, '6.6.6.6, nonsense', 'unknown'],
    ['is unknown where the header is nonsense behind a trusted one', PROXY, 'nonsense, 10.9.9.9', 'unknown'],
    ['is unknown where the header is empty', PROXY, '', 'unknown'],
    ['is unknown where the proxy says so', PROXY, 'unknown', 'unknown'],
    ['is unknown where the proxy hides it', PROXY, '_hidden', 'unknown'],
    ['has no port', PROXY, '198.51.100.1:4711', '198.51.100.1'],
    ['has no port in IPv6', PROXY, '[2001:DA8::0:1]:4711', '2001:da8::1'],
    ['has no brackets', PROXY, '[2001:da8::1]', '2001:da8::1'],
    ['has no quotes', PROXY, '"[2001:da8::1]:80"', '2001:da8::1'],
    ['has no zone', PROXY, 'fe80::1%eth0', 'fe80::1'],
    ['is IPv4 where it is mapped', PROXY, '::ffff:198.51.100.1', '198.51.100.1'],
    ['is IPv4 where it is mapped in hexadecimals', PROXY, '::FFFF:c633:6401', '198.51.100.1'],
    ['is its own in IPv4 where it is mapped', '::ffff:203.0.113.9', undefined, VISITOR],
    ['is found behind a proxy that is mapped', '::ffff:10.1.2.3', '198.51.100.1:1', '198.51.100.1'],
    ['is found behind a trusted hop with a port', PROXY, '198.51.100.1, 10.9.9.9:80', '198.51.100.1'],
    ['is unknown where the socket has gone', '', undefined, 'unknown'],
    ['is the proxy where there is no header', PROXY, undefined, PROXY],
  ])('%s', (_name, peer, forwarded, address) => {
    expect(origins.clientAddress({ 'x-forwarded-for': forwarded }, peer)).toBe(address);
  });
});

describe('an address', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    [' 1.2.3.4 ', '1.2.3.4'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:0:1.2.3.4', '::ffff:0:102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['1.2.3', null],
    ['1.2.3.256', null],
    ['01.2.3.4', null],
    ['0x7f.0.0.1', null],
    ['2130706433', null],
    ['1.2.3.4:', null],
    ['1.2.3.4:123456', null],
    ['1.2.3.4, 5.6.7.8', null],
    ['[1::2', null],
    ['::1]', null],
    ['localhost', null],
    ['', null],
    ['\u0000', null],
    ['1'.repeat(1_000), null],
  ])('%s is %s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
    if (address !== null) expect(canonicalAddress(address)).toBe(address);
  });

  it('is of a network that is written in any way', () => {
    const rules = {
      allowedOrigins: [],
      trustedProxies: ['::ffff:10.0.0.0/104', '::FFFF:c000:0207', 'fe80::1%eth0'],
    };
    const mapped = new Origins(rules);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', 'fe80:0::1']) {
      expect(mapped.isTrusted(address), address).toBe(true);
    }
    for (const address of ['11.1.2.3', '192.0.2.8', 'fe80::2'])
      expect(mapped.isTrusted(address), address).toBe(false);
  });
});

describe('the rules', () => {
  it('trust nobody when no proxy is named', () => {
    const strict = new Origins({ allowedOrigins: [], trustedProxies: [] });
    expect(strict.isTrusted('127.0.0.1')).toBe(false);
  });
});

const sharing = new Origins({ allowedOrigins: [], trustedProxies: ['198.51.100.0/24', '2001:db8:1::/48'] });

describe('an address that many clients may have', () => {
  it.each([
    ['that of a proxy that the configuration names', '198.51.100.7'],
    ['the same, as IPv6', '2001:db8:1::7'],
    ['loopback', '127.0.0.1'],
    ['loopback of IPv6', '::1'],
    ['loopback, written as IPv6', '::ffff:127.0.0.1'],
    ['a private one, as a container has', '172.17.0.1'],
    ['a private one, written as IPv6', '::ffff:10.0.0.1'],
    ['one of a carrier', '100.64.1.2'],
    ['a link-local one', 'fe80::1%eth0'],
    ['a local one of IPv6', 'fd00::1'],
    ['none', ''],
  ])('is %s', (_, address) => {
    expect(sharing.isShared(address)).toBe(true);
  });

  it.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:2::1', '172.32.0.1', '8.8.8.8'])(
    'is not %s',
    (address) => {
      expect(sharing.isShared(address)).toBe(false);
    },
  );
});
