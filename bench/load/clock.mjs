/** Milliseconds since boot, with fractions: monotonic, and the same in every thread and process of the machine. */
export function nowMs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
