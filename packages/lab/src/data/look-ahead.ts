/** Gives out the results of a function of successive numbers, which it calls ahead of time. */
export interface LookAhead<T> {
  /** The result for `index`; calls for those after it begin. */
  take(index: number): Promise<T>;
}

/**
 * Calls `fetch` ahead: when the result for i is taken, those for i + 1 to i + depth are under way. Results are those of
 * `fetch(i)`, whatever was taken before.
 *
 * @param end one past the last index to fetch
 */
export function lookAhead<T>(fetch: (index: number) => Promise<T>, depth: number, end: number): LookAhead<T> {
  const under = new Map<number, Promise<T>>();
  const begin = (index: number): Promise<T> => {
    const known = under.get(index);
    if (known !== undefined) return known;
    const result = fetch(index);
    // It may fail before anyone waits for it; who takes it sees the error.
    result.catch(() => undefined);
    under.set(index, result);
    return result;
  };
  return {
    async take(index) {
      const result = begin(index);
      for (const key of under.keys()) if (key <= index || key > index + depth) under.delete(key);
      for (let next = index + 1; next <= Math.min(index + depth, end - 1); next++) void begin(next);
      return await result;
    },
  };
}
