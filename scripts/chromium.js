// Finds, or installs, a Chromium for the browser tests.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];

const MAC_APPS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
];

const WINDOWS_PROGRAMS = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'];

/**
 * Path of an installed Chromium-based browser, or undefined. `BROWNIAN_CHROMIUM` comes first and must exist when it is
 * set, then the standard places of this platform, then the browser that Playwright keeps in its own cache.
 *
 * @returns {string | undefined}
 */
export function findChromium() {
  const chosen = process.env['BROWNIAN_CHROMIUM'];
  if (chosen) {
    if (existsSync(chosen)) return chosen;
    throw new Error(
      `BROWNIAN_CHROMIUM is ${chosen}, which does not exist: set it to the path of a Chromium or Chrome.`,
    );
  }
  return [...systemCandidates(), chromium.executablePath()].find((path) => path !== '' && existsSync(path));
}

/** @returns {string[]} */
function systemCandidates() {
  if (process.platform === 'darwin') return MAC_APPS;
  if (process.platform === 'win32') {
    const roots = ['ProgramFiles', 'ProgramFiles(x86)', 'LocalAppData'].map((name) => process.env[name] ?? '');
    return roots.filter(Boolean).flatMap((root) => WINDOWS_PROGRAMS.map((program) => join(root, program)));
  }
  const folders = new Set(['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean)]);
  return [...folders].flatMap((folder) => NAMES.map((name) => join(folder, name)));
}

/**
 * An installed browser, after installing one where that can be done: Debian's package when this is root on a system with
 * apt-get, else Playwright's own build.
 *
 * @returns {string}
 */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  for (const commands of installers()) {
    if (commands.every(run)) {
      const installed = findChromium();
      if (installed !== undefined) return installed;
    }
  }
  throw new Error(
    'The browser tests need Chromium or Chrome, none was found and none could be installed: install one ' +
      '(Debian and Ubuntu: sudo apt-get install chromium; elsewhere: npx playwright install chromium), ' +
      'or set BROWNIAN_CHROMIUM to the path of one.',
  );
}

/** @returns {string[][][]} */
function installers() {
  const playwright = [['npx', 'playwright', 'install', 'chromium']];
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return [playwright];
  const apt = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
  ];
  return [apt, playwright];
}

/** @param {string[]} command */
function run([program = '', ...args]) {
  console.log(`$ ${program} ${args.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
    shell: process.platform === 'win32',
  });
  return status === 0;
}
