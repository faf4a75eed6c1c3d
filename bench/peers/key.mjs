/** The API key of every server under test; they listen on the loopback and live for seconds. */
export const KEY = 'bench-key-of-a-server-that-lives-for-seconds';
