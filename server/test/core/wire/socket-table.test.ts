import { describe, expect, it } from 'vitest';
import {
  API_PART,
  MAX_UNPROVEN,
  MAX_UNPROVEN_OF_ADDRESS,
  SocketTable,
} from '../../../src/core/wire/socket-table.js';

class FakeSocket {
  isDestroyed = false;
  destroy(): void {
    this.isDestroyed = true;
  }
}

function tableOf(max: number) {
  let full = 0;
  const table = new SocketTable(max, () => full++);
  const accept = (count: number, address: string | null = null) =>
    Array.from({ length: count }, () => {
      const socket = new FakeSocket();
      table.accepted(socket, address);
      return socket;
    });
  return { table, accept, full: () => full };
}

const destroyed = (sockets: readonly FakeSocket[]): boolean[] =>
  sockets.map(({ isDestroyed }) => isDestroyed);

describe('a table of sockets', () => {
  it('that is full ends the one that has been silent for the longest time for a new one', () => {
    const { table, accept, full } = tableOf(3);
    const sockets = accept(5);
    expect(destroyed(sockets)).toEqual([true, true, false, false, false]);
    expect([table.size, full()]).toEqual([3, 2]);
    // The sockets themselves say so a moment later.
    for (const socket of sockets.slice(0, 2)) table.closed(socket);
    expect(table.size).toBe(3);
  });

  it('ends no client that has a session, and no back end that has shown a key', () => {
    const { table, accept } = tableOf(4);
    const [client, backEnd] = accept(2) as [FakeSocket, FakeSocket];
    table.proves(client, 'client');
    table.proves(backEnd, 'api');
    const others = accept(10);
    expect(destroyed([client, backEnd])).toEqual([false, false]);
    expect(destroyed(others).filter((each) => !each)).toHaveLength(2);
    expect(table.size).toBe(4);
  });

  it('has no room for more sessions while there still is for the API', () => {
    const { table, accept } = tableOf(200);
    let clients = 0;
    for (; table.hasRoom; clients++) for (const socket of accept(1)) table.proves(socket, 'client');
    expect(clients).toBe(200 - API_PART);
    const [backEnd] = accept(1) as [FakeSocket];
    accept(API_PART - 1);
    expect(backEnd.isDestroyed).toBe(false);
    table.proves(backEnd, 'api');
    accept(1_000);
    expect(backEnd.isDestroyed).toBe(false);
  });

  it('counts a socket between two polls as one without a session', () => {
    const { table, accept } = tableOf(10);
    const [socket] = accept(1) as [FakeSocket];
    table.proves(socket, 'client');
    expect(table.unproven).toBe(0);
    table.rests(socket);
    expect([table.unproven, table.size]).toEqual([1, 1]);
    table.closed(socket);
    table.rests(socket);
    expect(table.size).toBe(0);
  });

  it('has a bounded number of silent ones, however many places there are', () => {
    const { table, accept } = tableOf(Number.POSITIVE_INFINITY);
    const sockets = accept(MAX_UNPROVEN + 5);
    expect(table.size).toBe(MAX_UNPROVEN);
    expect(destroyed(sockets).filter(Boolean)).toHaveLength(5);
  });

  it('has so many silent ones of one address, and more when they have gone or proved', () => {
    const { table, accept } = tableOf(10_000);
    const sockets = accept(MAX_UNPROVEN_OF_ADDRESS + 1, '192.0.2.1');
    expect(destroyed(sockets).filter(Boolean)).toHaveLength(1);
    expect(destroyed(accept(1, '192.0.2.2'))).toEqual([false]);
    table.closed(sockets[0] as FakeSocket);
    table.proves(sockets[1] as FakeSocket, 'client');
    expect(destroyed(accept(3, '192.0.2.1'))).toEqual([false, false, true]);
  });
});
