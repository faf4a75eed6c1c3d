/** A receiver of one's own: prints every update that goes through Dobby. Run: node examples/receiver/print-updates.mjs */
import { createDobby } from 'dobby';

const dobby = createDobby({ port: Number(process.env.DOBBY_PORT ?? 4020), public: ['demo/{name*}'] });

dobby.delegate({
  id: 'printer',
  update(_sender, path, message, update) {
    if (update === undefined) return; // the server's own: ::gone, with the id of a session that has ended
    console.log(path, JSON.stringify(message), update.position?.offset ?? '');
  },
});

console.log(`Dobby listens on ${await dobby.start()}`);
