/** What a run counted, as lines, and whether it was well: no violation, and enough harm done. */

/** The least harm in a minute; a run of under a minute is held to nothing. */
const BARS = { cuts: 10, lateOpens: 3.5, restores: 2 };
const SHOWN = 20;

/** @param {import('./chaos.mjs').Options} options @param {Awaited<ReturnType<import('./chaos.mjs').Chaos['run']>>} result */
export function summarize({ seed, minutes, pages, clients }, result) {
  const { network, server, views, violations, problems, settled } = result;
  const sum = (/** @type {'restores' | 'cached' | 'reloads' | 'hides' | 'freezes' | 'offlines'} */ name) =>
    result.pages.reduce((total, counts) => total + counts[name], 0);
  const reached = { cuts: network.cuts, lateOpens: network.lateOpens, restores: sum('restores') };
  const short = Object.entries(BARS).filter(
    ([name, perMinute]) => minutes >= 1 && reached[/** @type {keyof BARS} */ (name)] < perMinute * minutes,
  );
  const rows = [
    ['seed', seed],
    ['seconds', result.seconds.toFixed(0)],
    ['clients', `${pages} pages, ${clients} in Node, ${result.lives} lives`],
    ['requests through the proxy', network.requests],
    ['cuts', network.cuts],
    ['late opens', `${network.lateOpens} (and ${network.lateOthers} other late requests)`],
    ['page restores', `${sum('restores')}, from the back/forward cache ${sum('cached')}`],
    [
      'other page life',
      `${sum('hides')} hidden, ${sum('freezes')} frozen, ${sum('offlines')} offline, ${sum('reloads')} reloads`,
    ],
    ['swallowed', network.swallowed],
    ['buffered', network.buffered],
    ['delayed', network.delayed],
    ['answered by the proxy', network.answered],
    [
      'views',
      `${views.connects} connects, ${views.disconnects} disconnects, ${views.failed} failed, ${views.late} late, ${views.never} never answered`,
    ],
    ['restarts', server.restarts],
    ['crashes', server.crashes],
    ['updates published', result.published],
    ['deliveries', result.deliveries],
    [
      'gaps',
      Object.entries(result.gaps)
        .map(([reason, count]) => `${count} ${reason}`)
        .join(', ') || 0,
    ],
    ['unasked updates', result.unasked],
    [
      'quiet periods',
      `${settled.length}, settled after ${settled.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`,
    ],
    ['violations', violations.length],
  ];
  const lines = rows.map(([name, value]) => `${String(name).padEnd(28)} ${value}`);
  for (const { kind, client, path, detail, trace } of violations.slice(0, SHOWN))
    lines.push(
      '',
      `VIOLATION ${kind}: seed ${seed}, ${client}, ${path ?? 'no path'}: ${detail}`,
      ...trace.map((line) => `  ${line}`),
    );
  if (violations.length > SHOWN) lines.push('', `and ${violations.length - SHOWN} more violations`);
  if (problems.length > 0)
    lines.push('', `The driver failed ${problems.length} times:`, ...problems.slice(0, SHOWN));
  for (const [name, perMinute] of short)
    lines.push('', `TOO LITTLE HARM: ${name} below ${perMinute} a minute`);
  if (violations.length > 0 && server.output !== '')
    lines.push('', 'The server printed last:', server.output.slice(-2_000));
  return { lines, isWell: violations.length === 0 && short.length === 0 };
}
