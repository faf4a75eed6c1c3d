/** The HTTP request that publishes one update, the same for all systems. */

/**
 * Everything before the message; behind the message comes `}`.
 * @param {{port: number, url: string, key: string, path: string, messageBytes: number}} what
 */
export function updateHead({ port, url, key, path, messageBytes }) {
  const body = `{"path":${JSON.stringify(path)},"message":`;
  return (
    `POST ${url} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length + messageBytes + 1}\r\n\r\n${body}`
  );
}
