import { float32Data } from '@brownian/graph';
import { readArrays } from './exchange.ts';
import type { Running } from './peers/contender.ts';
import type { Workload } from './workload.ts';

/** How far a result is from the peer's. */
export interface Difference {
  readonly name: string;
  /** rms(ours − theirs) / rms(theirs). */
  readonly error: number;
  readonly tolerance: number;
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}

/** One step of a workload from the same state with the same draws, here and in a peer: every result that both give,
 * or why the peer cannot do it. */
export async function compare(
  workload: Workload,
  ours: Running,
  peer: Running,
  file: string,
): Promise<Difference[] | string> {
  const { name, settings } = workload;
  const prepared = { workload: name, settings, file };
  await ours.ask('prepare', { ...prepared, tune: true });
  const { unsupported } = await peer.ask('prepare', { ...prepared, tune: false });
  if (unsupported !== undefined) return unsupported;
  const { tolerances = {} } = await ours.ask('check', { draws: `${file}.draws`, out: `${file}.ours` });
  await peer.ask('check', { draws: `${file}.draws`, out: `${file}.theirs` });
  const theirs = readArrays(`${file}.theirs`);
  const differences = [...readArrays(`${file}.ours`)].flatMap(([key, value]): Difference[] => {
    const other = theirs.get(key);
    if (other === undefined) return []; // a diagnostic that the peer does not compute
    if (other.data.length !== value.data.length)
      throw new Error(`${name}: ${peer.version} gave "${key}" in another size.`);
    const b = float32Data(other);
    const difference = rms(float32Data(value).map((v, i) => v - (b[i] as number)));
    return [{ name: key, error: difference === 0 ? 0 : difference / rms(b), tolerance: tolerances[key] ?? 0 }];
  });
  if (differences.length === 0) throw new Error(`${name}: ${peer.version} gave nothing to compare.`);
  return differences;
}
