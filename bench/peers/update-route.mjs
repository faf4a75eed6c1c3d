/** The publishing route of the peers in Node: the same kind of request as Dobby's `POST /api/update`. */
import fastify from 'fastify';

/**
 * An HTTP server with `POST /api/update`, which calls `publish` with the body and answers when it returns.
 * @param {(body: {path: string, message: unknown}) => void} publish
 */
export function updateServer(publish) {
  const app = fastify({ logger: false });
  const authorization = `Bearer ${process.env.BENCH_KEY}`;
  app.post('/api/update', (request, reply) => {
    if (request.headers.authorization !== authorization)
      return reply.code(401).send({ error: 'unauthorized' });
    publish(/** @type {{path: string, message: unknown}} */ (request.body));
    return reply.send({ position: null });
  });
  return app;
}

/** Listens on the loopback, on `BENCH_PORT` or a port that is free, and says so, as the bench expects it. */
export async function listen(app) {
  console.log(await app.listen({ port: Number(process.env.BENCH_PORT ?? 0), host: '127.0.0.1' }));
}
