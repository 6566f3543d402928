import { float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import type { Items } from '../../src/scoring/items.ts';

/** The same items with Gaussian noise on every value. */
export function noisy(items: Items, std: number): Items {
  return {
    ...items,
    name: `${items.name} with noise ${std}`,
    async *batches() {
      const stream = createStream(`noise ${std}`);
      for await (const batch of items.batches()) {
        const noise = float32Data(stream.normal(batch.shape));
        yield ndarray(
          float32Data(batch).map((value, i) => value + std * (noise[i] as number)),
          batch.shape,
        );
      }
    },
  };
}
