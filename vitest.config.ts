import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findChromium } from './scripts/chromium.js';
import { runInNode } from './scripts/run-in-node.js';
import { SUITES } from './scripts/suites.js';

/** No traffic of the browser's own; on Linux, where test machines rarely have a GPU, WebGPU on the software adapter. */
const chromiumArgs = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  '--enable-unsafe-webgpu',
  ...(process.platform === 'linux'
    ? ['--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader', '--use-vulkan=swiftshader']
    : []),
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // Chromium refuses to sandbox root's processes
];

/** SharedArrayBuffer, and with it WASM threads, exists only in a cross-origin isolated page. */
const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const [unit, ...others] = SUITES;

/** The unit suite's pattern covers every test folder: what another suite claims is left to that suite. */
function excluded(name: string): string[] {
  return name === unit?.name ? others.map((suite) => suite.include) : [];
}

/** One Vitest project per suite. Groups keep suites apart, so a suite has both cores to itself. */
const projects = SUITES.map((suite, groupOrder): TestProjectInlineConfiguration => {
  const test = {
    name: suite.name,
    include: [suite.include],
    exclude: [...configDefaults.exclude, ...excluded(suite.name)],
    testTimeout: suite.timeout,
    hookTimeout: suite.timeout,
    maxWorkers: suite.workers,
    sequence: { groupOrder },
  };
  if (suite.needs !== 'chromium') return { extends: true, test };
  const executablePath = findChromium();
  const launchOptions = { args: chromiumArgs, ...(executablePath === undefined ? {} : { executablePath }) };
  return {
    extends: true,
    server: { headers: isolationHeaders },
    // ONNX Runtime finds its .wasm file beside its module, so the module has to stay where npm put it.
    optimizeDeps: { exclude: ['onnxruntime-web'] },
    test: {
      ...test,
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions }),
        instances: [{ browser: 'chromium' }],
        commands: { runInNode },
      },
    },
  };
});

export default defineConfig({
  // Tests run on the packages' TypeScript sources, not on what was last built.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: { projects },
});
