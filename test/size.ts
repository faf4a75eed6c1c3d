/** The size of tests with random input: with the variable LONG_TESTS, as in `npm run test:all`, they run many times as long. */

/** Whether tests run in their long form. */
export const isLong = process.env['LONG_TESTS'] !== undefined;
