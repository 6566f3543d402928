/** At most `count` indices spread evenly over `size` items, in order: of what is sorted by class every class is among them. */
export function spreadIndices(size: number, count: number): number[] {
  const taken = Math.min(size, count);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * size) / taken));
}
