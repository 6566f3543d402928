import { cos, minimum, operand } from '@brownian/graph';
import type { Schedule } from './scaling.ts';

/** The same rate throughout. */
export function constantRate(rate: number): Schedule {
  return () => operand(rate);
}

/** From `rate` to `final` along half a cosine over `iterations` updates, then constant. */
export function cosineDecay(rate: number, iterations: number, final = 0): Schedule {
  return (count) =>
    cos(minimum(count.mul(1 / iterations), 1).mul(Math.PI))
      .add(1)
      .mul((rate - final) / 2)
      .add(final);
}

/** `schedule` times a factor that rises from 1/`iterations` to 1 over the first `iterations` updates. */
export function warmup(schedule: Schedule, iterations: number): Schedule {
  return iterations === 0 ? schedule : (count) => schedule(count).mul(minimum(count.add(1).mul(1 / iterations), 1));
}
