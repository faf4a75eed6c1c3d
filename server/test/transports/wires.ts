/**
 * Raw clients for the contract suite, one for each transport, written from docs/protocol.md alone: they share no code with the server or with
 * Pomona. Each gives the frames that arrive one by one, and can be cut off without a goodbye.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

/** Any frame, as a test looks at it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into frames of every type
export type AnyFrame = Record<string, any>;

/** A connection to the endpoint, seen by a test. */
export interface TestWire {
  /** The next frame, in order. Rejects when none comes within 5 s, saying what was awaited. */
  next(awaited?: string): Promise<AnyFrame>;
  /** The next frame that is not a ping or a ticket and fits. Frames before it are dropped. */
  until(awaited: string, fits: (frame: AnyFrame) => boolean): Promise<AnyFrame>;
  /** Frames that have arrived and were not taken. */
  readonly arrived: readonly AnyFrame[];
  /** Sends frames upstream; answers what the server said to the POST, null for a WebSocket. */
  send(...frames: object[]): Promise<AnyFrame | null>;
  /** Cuts the connection without a goodbye. */
  cut(): void;
  /** Resolves with the close code of a WebSocket, or the code of the closing frame. */
  readonly closed: Promise<number>;
  /** What `opened` said. */
  opened: AnyFrame;
}

/** Opens a connection with a first frame; resolves once `opened` or a refusal has come. */
export type OpenWire = (url: string, open: object) => Promise<TestWire>;

/** An opening that was refused over HTTP. */
export class Refused extends Error {
  readonly status: number;
  readonly answer: AnyFrame;

  constructor(status: number, answer: AnyFrame) {
    super(`refused with ${status}: ${JSON.stringify(answer)}`);
    this.status = status;
    this.answer = answer;
  }
}

const DEADLINE_MS = 5_000;

class Inbox {
  readonly arrived: AnyFrame[] = [];
  #waiting: (() => void) | null = null;

  put(frame: AnyFrame): void {
    this.arrived.push(frame);
    this.#waiting?.();
  }

  async next(awaited = 'a frame'): Promise<AnyFrame> {
    const deadline = Date.now() + DEADLINE_MS;
    while (this.arrived.length === 0) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${awaited} did not come within ${DEADLINE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.arrived.shift() as AnyFrame;
  }

  async until(awaited: string, fits: (frame: AnyFrame) => boolean): Promise<AnyFrame> {
    const seen: string[] = [];
    for (;;) {
      const frame = await this.next(`${awaited} (seen: ${seen.join(', ') || 'nothing'})`);
      if (fits(frame)) return frame;
      seen.push(JSON.stringify(frame).slice(0, 120));
    }
  }
}

function wireOf(inbox: Inbox, rest: Pick<TestWire, 'send' | 'cut' | 'closed'>): TestWire {
  return {
    next: (awaited) => inbox.next(awaited),
    until: (awaited, fits) => inbox.until(awaited, fits),
    arrived: inbox.arrived,
    opened: {},
    ...rest,
  };
}

/** A WebSocket. `firstText` may replace the first frame by any text. */
export const openWebSocket: OpenWire = async (url, open) => {
  const socket = new WebSocket(url.replace('http', 'ws'));
  const inbox = new Inbox();
  socket.on('message', (data) => inbox.put(JSON.parse(String(data))));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_request, response) => {
      void bodyOf(response).then((text) => reject(new Refused(response.statusCode ?? 0, JSON.parse(text))));
    });
    socket.on('error', reject);
  });
  socket.send(JSON.stringify(open));
  const wire = wireOf(inbox, {
    async send(...frames) {
      for (const frame of frames) socket.send(JSON.stringify(frame));
      return null;
    },
    cut: () => socket.terminate(),
    closed,
  });
  wire.opened = await inbox.next('opened');
  return wire;
};

/** An event stream by POST. */
export const openEventStream: OpenWire = async (url, open) => {
  const inbox = new Inbox();
  const { response, cut } = await post(url, open, { Accept: 'text/event-stream' });
  if (response.statusCode !== 200)
    throw new Refused(response.statusCode ?? 0, JSON.parse(await bodyOf(response)));
  let close: (code: number) => void = () => {};
  const closed = new Promise<number>((resolve) => {
    close = resolve;
  });
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const line of events.flatMap((event) => event.split('\n'))) {
      if (!line.startsWith('data: ')) continue;
      const frame = JSON.parse(line.slice(6)) as AnyFrame;
      if (frame['type'] === 'closing') close(frame['code'] as number);
      inbox.put(frame);
    }
  });
  response.on('error', () => {}); // a cut stream; the test that cut it knows
  const wire = wireOf(inbox, { send: (...frames) => sendUp(url, wire, frames), cut, closed });
  wire.opened = await inbox.next('opened');
  return wire;
};

/** Long-poll: it polls on by itself until it is cut. */
export const openLongPoll: OpenWire = async (url, open) => {
  const inbox = new Inbox();
  const first = await exchange(url, open);
  const opened = first['updates'][0] as AnyFrame;
  let isCut = false;
  let cutPoll = (): void => {};
  let close: (code: number) => void = () => {};
  const closed = new Promise<number>((resolve) => {
    close = resolve;
  });
  const take = (answer: AnyFrame): void => {
    for (const frame of answer['updates'] as AnyFrame[]) {
      if (frame['type'] === 'closing') {
        isCut = true;
        close(frame['code'] as number);
      }
      inbox.put(frame);
    }
  };
  const wire = wireOf(inbox, {
    send: (...frames) => sendUp(url, wire, frames),
    cut() {
      isCut = true;
      cutPoll();
    },
    closed,
  });
  wire.opened = opened;
  take({ updates: first['updates'].slice(1) });
  void (async () => {
    let cursor = first['reconnectWith'] as string;
    while (!isCut) {
      const body = { type: 'poll', ticket: opened['ticket'], connection: opened['connection'], cursor };
      const poll = await post(url, body);
      cutPoll = poll.cut;
      const answer = JSON.parse(await bodyOf(poll.response)) as AnyFrame;
      if (answer['error']?.code === 'taken_over') close(4200);
      if (isCut || answer['error'] !== undefined) return;
      take(answer);
      cursor = answer['reconnectWith'] as string;
    }
  })().catch(() => {}); // cut in the middle of a poll
  return wire;
};

/** Posts a body and reads the JSON answer. Rejects with Refused when it is an error. */
export async function exchange(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<AnyFrame> {
  const { response } = await post(url, body, headers);
  const answer = JSON.parse(await bodyOf(response)) as AnyFrame;
  if (response.statusCode !== 200) throw new Refused(response.statusCode ?? 0, answer);
  return answer;
}

async function sendUp(url: string, wire: TestWire, frames: object[]): Promise<AnyFrame> {
  const { ticket, connection } = wire.opened;
  return exchange(url, { type: 'send', ticket, connection, frames });
}

function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<{ response: IncomingMessage; cut: () => void }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    request.on('response', (response) => resolve({ response, cut: () => request.destroy() }));
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return text;
}
