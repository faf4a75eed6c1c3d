import { describe, expect, it } from 'vitest';
import { Origins } from '../../../src/auth/origins/origins.js';
import { isSharedAddress } from '../../../src/auth/origins/shared-addresses.js';

const origins = new Origins({ allowedOrigins: [], trustedProxies: ['198.51.100.0/24', '2001:db8:1::/48'] });

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
    expect(isSharedAddress(address, origins)).toBe(true);
  });

  it.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:2::1', '172.32.0.1', '8.8.8.8'])(
    'is not %s',
    (address) => {
      expect(isSharedAddress(address, origins)).toBe(false);
    },
  );
});
