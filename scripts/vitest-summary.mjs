/**
 * A reporter that writes what `npm test` sums up, as JSON: counts, and each skipped test with the
 * reason it gave. (Vitest's own JSON reporter leaves the reasons out.) The file comes from the
 * environment, so that vitest may be run without it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export default class VitestSummary {
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: 0, failures: [], skipped: [] };
    const fail = (name) => {
      summary.failed++;
      summary.failures.push(name);
    };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (state === 'passed') summary.passed++;
        else if (state === 'failed') fail(name);
        else summary.skipped.push({ name, reason: note ?? 'no reason given' });
      }
      // A hook that fails leaves the tests of its suite skipped; a file that cannot be loaded has none.
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) fail(`${module.relativeModuleId} > ${suite.fullName} (a hook)`);
      }
      if (module.errors().length > 0) fail(`${module.relativeModuleId} (the file itself)`);
    }
    for (const error of unhandledErrors) fail(`an error outside of any test: ${error.message}`);
    const file = process.env.VITEST_SUMMARY;
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(summary));
  }
}
