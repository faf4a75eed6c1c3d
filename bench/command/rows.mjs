/** From runs to rows: one for each setting and system, in that order, each held against Dobby's of the same setting. */

/**
 * @template S, R, C
 * @template {{system: string, setting: S}} T
 * @param {T[]} runs
 * @param {{settings: S[], systems: string[]}} plan
 * @param {{summarise: (runs: T[]) => R, compare: (row: R, dobby: R | undefined) => C}} how `summarise` takes the rounds of one system in one setting
 * @returns {(R & C & {system: string, setting: S})[]}
 */
export function rowsOf(runs, { settings, systems }, { summarise, compare }) {
  return settings.flatMap((setting) => {
    const rowOf = (system) =>
      summarise(runs.filter((run) => run.system === system && run.setting === setting));
    const rows = new Map(systems.map((system) => [system, rowOf(system)]));
    return systems.map((system) => {
      const row = /** @type {R} */ (rows.get(system));
      return { system, setting, ...row, ...compare(row, rows.get('dobby')) };
    });
  });
}
