import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/** Where optional peers are installed, outside of the project's own dependencies. */
export const PEER_FOLDER = process.env['BENCH_PEERS'] ?? '.cache/peers';
/** The command that installs a peer there. */
export function installCommand(...names: readonly string[]): string {
  return `npm install --prefix ${PEER_FOLDER} ${names.join(' ')}`;
}

const fromPeers = createRequire(resolve(PEER_FOLDER, 'package.json'));

/** Loads an installed peer; what it exports is for the caller to describe. */
export function requirePeer(name: string): unknown {
  return fromPeers(name) as unknown;
}

/** Whether {@link requirePeer} would find all of these. */
export function havePeers(...names: readonly string[]): boolean {
  try {
    names.forEach((name) => fromPeers.resolve(name));
    return true;
  } catch {
    return false;
  }
}
