import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where things that can be made or fetched again are kept, by kind: in BROWNIAN_CACHE, or `brownian` in the user's cache folder. */
export function cacheFolder(kind: 'classifiers' | 'data' | 'weights'): string {
  const base =
    process.env['BROWNIAN_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'brownian');
  return join(base, kind);
}
