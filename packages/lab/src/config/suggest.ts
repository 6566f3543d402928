/** Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(i - 2, j - 2) + 1);
      (rows[i] as number[])[j] = cost;
    }
  }
  return at(a.length, b.length);
}

/** Spelling that case, hyphens and underscores do not change: `energy-l2` and `energyL2` are one name. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/**
 * The known name a misspelt one most likely means, or undefined when none is near. A name is compared whole and by its last
 * part, so `steps` finds `langevin.steps`.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plainName(name);
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const whole = editDistance(wanted, plainName(candidate));
    const part = editDistance(last(wanted), last(plainName(candidate))) + 0.5;
    const distance = Math.min(whole, part);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return bestDistance <= Math.max(1, Math.floor(last(wanted).length / 3)) + 0.5 ? best : undefined;
}

/** A key as command lines spell it: `energyL2` becomes `energy-l2`. */
export function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
