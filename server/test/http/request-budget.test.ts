import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/time/clock.js';
import {
  BodyTurns,
  limitRequests,
  MAX_REQUESTS_A_TURN,
  PARSED_BYTES_A_TURN,
  SMALL_BODY_BYTES,
} from '../../src/http/request-budget.js';
import { FakeClock } from '../support/fake-clock.js';

describe('bodies of requests', () => {
  it('that are small are parsed at once', () => {
    const turns = new BodyTurns(new FakeClock());
    const parsed: string[] = [];
    turns.run(SMALL_BODY_BYTES, () => parsed.push('a'));
    expect(parsed).toEqual(['a']);
  });

  it('that are large are parsed so many bytes a turn, in their order', () => {
    const clock = new FakeClock();
    const turns = new BodyTurns(clock);
    const parsed: number[] = [];
    for (let i = 0; i < 10; i++) turns.run(PARSED_BYTES_A_TURN / 4, () => parsed.push(i));
    expect(parsed).toEqual([]);
    clock.turn();
    expect(parsed).toEqual([0, 1, 2, 3]);
    clock.turn();
    expect(parsed).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    clock.turn();
    expect(parsed).toHaveLength(10);
    expect(clock.isBusy).toBe(false);
  });

  it('that are larger than a turn have a turn of their own', () => {
    const clock = new FakeClock();
    const turns = new BodyTurns(clock);
    const parsed: number[] = [];
    for (let i = 0; i < 3; i++) turns.run(4 * PARSED_BYTES_A_TURN, () => parsed.push(i));
    clock.turn();
    expect(parsed).toEqual([0]);
    clock.settle();
    expect(parsed).toEqual([0, 1, 2]);
  });
});

describe('requests of one socket', () => {
  it('are parsed no further once they are too many, and few are worked for', async () => {
    let asked = 0;
    let parsed = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.end('ok');
    });
    limitRequests(server, systemClock);
    server.prependListener('request', () => parsed++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_500));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(asked).toBeLessThanOrEqual(2 * MAX_REQUESTS_A_TURN);
    expect(parsed).toBeLessThanOrEqual(3 * MAX_REQUESTS_A_TURN);
    server.close();
  });
});
