/**
 * uWebSockets, through Bun: topics, `publish`, no compression, a declared route. Runs in Bun, not in Node. Publishing is left to the
 * library, which gathers what one turn of its loop publishes and writes it to each socket at once.
 */
const TOPIC = 'bench';
const AUTHORIZATION = `Bearer ${process.env.BENCH_KEY}`;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.BENCH_PORT),
  routes: {
    '/api/update': {
      async POST(request) {
        if (request.headers.get('authorization') !== AUTHORIZATION)
          return Response.json({ error: 'unauthorized' }, { status: 401 });
        server.publish(TOPIC, JSON.stringify(await request.json()));
        return Response.json({ position: null });
      },
    },
    '/socket': (request) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe(TOPIC);
      socket.send('{"type":"ready"}');
    },
    message() {
      // Subscribers have nothing to say.
    },
  },
});

console.log(`http://127.0.0.1:${server.port}`);
