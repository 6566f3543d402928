// The public types of each package as text, docs/api/NAME.d.ts.txt, so that a change of API shows in review.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';

const ROOT = resolve(import.meta.dirname, '..');
const CACHE = join(ROOT, '.cache/api');
const SNAPSHOTS = join(ROOT, 'docs/api');
const REMEDY = 'If the change of API is meant, run `npm run api` and commit docs/api.';

const EMIT =
  '--composite false --incremental false --emitDeclarationOnly --declarationMap false --removeComments --outDir';

/** @param {string[]} args */
function tsc(args) {
  const command = [join(ROOT, 'node_modules/typescript/bin/tsc'), ...args];
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  console.error('The public types can be read only from code that compiles: correct the errors above first.');
  process.exit(1);
}

/**
 * Declarations of every module that the package's entry points lead to, in order of path.
 *
 * @param {string} name the package's folder
 */
function publicTypes(name) {
  const folder = join(ROOT, 'packages', name);
  const output = join(CACHE, name);
  tsc(['-p', folder, ...EMIT.split(' '), output]);
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  /** @type {string[]} */
  const queue = Object.values(exports).map(({ source }) => declarations(join(output, relative('src', source))));
  const seen = new Set(queue);
  for (const file of queue) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )['"](\.[^'"]+)['"]/g)) {
      const next = declarations(join(dirname(file), String(path)));
      if (!seen.has(next)) queue.push(next);
      seen.add(next);
    }
  }
  const texts = queue.toSorted().map((file) => `// ${relative(output, file)}\n${readFileSync(file, 'utf8').trim()}\n`);
  return texts.join('\n');
}

/** @param {string} path of a TypeScript or JavaScript module */
function declarations(path) {
  return path.replace(/\.[jt]s$/, '.d.ts');
}

function main() {
  const mode = process.argv[2];
  if (mode !== '--check' && mode !== '--write')
    throw new Error('Usage: node scripts/api-snapshot.js --check | --write');
  const names = readdirSync(join(ROOT, 'packages')).filter((name) => existsSync(join(ROOT, 'packages', name, 'src')));
  rmSync(CACHE, { recursive: true, force: true });
  tsc(['-b', ...names.map((name) => `packages/${name}`)]);
  mkdirSync(SNAPSHOTS, { recursive: true });
  const changed = names.filter((name) => {
    const snapshot = join(SNAPSHOTS, `${name}.d.ts.txt`);
    const current = join(CACHE, `${name}.d.ts.txt`);
    writeFileSync(mode === '--write' ? snapshot : current, publicTypes(name));
    if (mode === '--write') return false;
    const old = existsSync(snapshot) ? snapshot : '/dev/null';
    return spawnSync('git', ['--no-pager', 'diff', '--no-index', old, current], { stdio: 'inherit' }).status !== 0;
  });
  if (changed.length === 0) return;
  console.error(`The public types of ${changed.join(', ')} are not those in docs/api. ${REMEDY}`);
  process.exitCode = 1;
}

main();
