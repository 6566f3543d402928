import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The version of this package. */
export function version(): string {
  const file = fileURLToPath(new URL('../package.json', import.meta.url));
  const { version: value } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return value;
}
