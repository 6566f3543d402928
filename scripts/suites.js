// The suites of `npm test`, by what their tests need. vitest.config.ts and test.js both read this table.

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} include Which test files belong to it.
 * @property {number} timeout Milliseconds for one test.
 * @property {number} workers Processes that run test files at the same time; ONNX Runtime brings threads of its own.
 * @property {'nothing' | 'shared data' | 'chromium'} needs
 */

/** @type {readonly Suite[]} In the order in which they run. */
export const SUITES = [
  { name: 'unit', include: 'packages/*/test/**/*.test.ts', timeout: 20_000, workers: 2, needs: 'nothing' },
  { name: 'gradient', include: 'packages/*/test/gradient/**/*.test.ts', timeout: 60_000, workers: 2, needs: 'nothing' },
  { name: 'golden', include: 'conformance/*.test.ts', timeout: 120_000, workers: 1, needs: 'nothing' },
  {
    name: 'statistical',
    include: 'packages/*/test/statistical/**/*.test.ts',
    timeout: 300_000,
    workers: 1,
    needs: 'nothing',
  },
  {
    name: 'survival',
    include: 'packages/*/test/survival/**/*.test.ts',
    timeout: 60_000,
    workers: 1,
    needs: 'nothing',
  },
  {
    name: 'data',
    include: '{packages/*/test,conformance}/data-suite/**/*.test.ts',
    timeout: 300_000,
    workers: 1,
    needs: 'shared data',
  },
  { name: 'browser', include: 'packages/*/test/browser/**/*.test.ts', timeout: 120_000, workers: 1, needs: 'chromium' },
];
