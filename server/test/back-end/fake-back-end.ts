/** A back end that listens on the loopback and answers what a test tells it to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

/** A question that came. */
export interface Question {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into questions of every shape
  readonly body: any;
}

export interface FakeBackEnd {
  readonly url: string;
  readonly questions: Question[];
  /** Connections that were opened. */
  connections: number;
  answer: (response: ServerResponse, question: Question) => void;
  close(): Promise<void>;
}

const running: FakeBackEnd[] = [];

afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

/** Answers with JSON. */
export const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };

/** Starts one. */
export async function fakeBackEnd(answer: FakeBackEnd['answer'] = json({})): Promise<FakeBackEnd> {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { url = '', headers } = request;
      const question = { url, headers, text, body: JSON.parse(text) };
      made.questions.push(question);
      made.answer(response, question);
    });
  });
  server.on('connection', () => made.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const made: FakeBackEnd = {
    url: `http://127.0.0.1:${port}/dobby/command/?app=1`,
    questions: [],
    connections: 0,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  running.push(made);
  return made;
}
