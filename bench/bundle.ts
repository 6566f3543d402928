import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles a contender written in TypeScript into one file of JavaScript under `.cache/bench`, so that its start-up and memory are
 * its own and not the compiler's. Returns the file's path.
 */
export async function bundle(entry: string): Promise<string> {
  const outDir = `${ROOT}.cache/bench`;
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', 'node', 'import', 'default'] },
    ssr: { noExternal: [/^@brownian\//, 'brownian', /^@bufbuild\//], resolve: { conditions: ['source'] } },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: false,
      minify: false,
      target: 'node20',
      rolldownOptions: { input: `${ROOT}bench/${entry}.ts` },
    },
  });
  return `${outDir}/${entry.split('/').at(-1)}.js`;
}
