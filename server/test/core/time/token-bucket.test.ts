import { expect, it } from 'vitest';
import { TokenBucket } from '../../../src/core/time/token-bucket.js';
import { FakeClock } from '../../support/fake-clock.js';

const taken = (bucket: TokenBucket, reserved = 0): number => {
  let count = 0;
  while (bucket.take(reserved)) count++;
  return count;
};

it('gives a burst of one second, and fills again as time passes', () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(10, clock);
  expect(taken(bucket)).toBe(10);
  clock.advance(500);
  expect(taken(bucket)).toBe(5);
  clock.advance(60_000);
  expect(taken(bucket)).toBe(10);
});

it('leaves what is reserved for others', () => {
  const bucket = new TokenBucket(10, new FakeClock());
  expect(taken(bucket, 4)).toBe(6);
  expect(taken(bucket)).toBe(4);
});
