import { describe, expect, it } from 'vitest';
import { AddressCounter, addressKey } from '../../../src/core/data/address-counter.js';

describe('the key of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:DB8:0:1::9', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', 'unknown'],
    ['unix:', 'unknown'],
    ['192.0.2.256', 'unknown'],
    ['1:2:3', 'unknown'],
    ['1::2::3', 'unknown'],
    ['1:2:3:4:5:6:7:8:9', 'unknown'],
    ['1:2:3:4::5:6:7:8', 'unknown'],
  ])('of %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('a counter of addresses', () => {
  it('takes so many of one address, and counts a /64 as one', () => {
    const counter = new AddressCounter({ perAddress: 2, inAll: 10 });
    expect(counter.take('2001:db8::1')).toBe(true);
    expect(counter.take('2001:db8::2')).toBe(true);
    expect(counter.take('2001:db8::3')).toBe(false);
    expect(counter.hasRoom('2001:db8::3')).toBe(false);
    expect(counter.take('2001:db8:0:1::3')).toBe(true);
    expect([counter.count('2001:db8::9'), counter.size]).toEqual([2, 2]);
  });

  it('takes so many in all, and one more when one was released', () => {
    const counter = new AddressCounter({ perAddress: 2, inAll: 2 });
    expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((each) => counter.take(each))).toEqual([
      true,
      true,
      false,
    ]);
    counter.release('::ffff:192.0.2.1');
    expect(counter.take('192.0.2.3')).toBe(true);
  });

  it('keeps nothing of an address that holds nothing', () => {
    const counter = new AddressCounter({ perAddress: 5, inAll: 100_000 });
    for (let i = 0; i < 1_000; i++) counter.take(`10.0.${i >> 8}.${i & 255}`);
    expect(counter.size).toBe(1_000);
    for (let i = 0; i < 1_000; i++) counter.release(`10.0.${i >> 8}.${i & 255}`);
    counter.release('10.0.0.1');
    expect(counter.size).toBe(0);
  });

  it('forgets all when it is cleared', () => {
    const counter = new AddressCounter({ perAddress: 1, inAll: 1 });
    counter.take('192.0.2.1');
    counter.clear();
    expect(counter.size).toBe(0);
    expect(counter.take('192.0.2.1')).toBe(true);
  });
});
