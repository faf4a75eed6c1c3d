/** Bytes written to a server as they are, and what it answers. */
import { connect } from 'node:net';

const DEADLINE_MS = 5_000;

/**
 * Writes `parts` one after the other, each when the one before has been taken, and reads until `isWhole` says that all has come,
 * or the server closes. Rejects after 5 s with what came.
 */
export function rawHttp(
  url: string,
  parts: readonly (string | Buffer)[],
  isWhole: (text: string) => boolean = () => false,
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname.replace(/[[\]]/g, ''));
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no whole answer within ${DEADLINE_MS} ms: ${text}`));
    }, DEADLINE_MS);
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isWhole(text)) end();
    });
    socket.on('close', end);
    socket.on('error', reject);
    const write = ([part, ...rest]: readonly (string | Buffer)[]): void => {
      if (part === undefined) return;
      socket.write(part, () => setImmediate(() => write(rest)));
    };
    write(parts);
  });
}

/** A request as its client writes it. */
export function requestText(line: string, headers: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${line} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, ...length, '', body].join('\r\n');
}
