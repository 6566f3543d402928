import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, zeros } from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import { align, short } from './table.ts';
import type { Workload } from './workload.ts';

/** A session of ONNX Runtime, as far as it is used here. */
interface Session {
  endProfiling(): void;
}

/** ONNX Runtime's way to make sessions. */
interface Sessions {
  create(model: Uint8Array, options: object): Promise<Session>;
}

/** The runtime's own copy of ONNX Runtime. The profiler belongs to sessions, which the runtime does not hand out. */
function sessions(): Sessions {
  const load = createRequire(import.meta.resolve('@brownian/runtime/node'));
  return (load('onnxruntime-node') as { InferenceSession: Sessions }).InferenceSession;
}

/** One event of ONNX Runtime's trace, as far as it is read here. */
interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** Time of one operator at one combination of shapes. */
interface Cost {
  readonly operator: string;
  readonly shapes: string;
  readonly flops: number;
  calls: number;
  /** Microseconds. */
  time: number;
}

const STEPS = 5;
const ROWS = 25;

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function shapesOf(list: readonly Readonly<Record<string, readonly number[]>>[] = []): (readonly number[])[] {
  return list.map((entry) => Object.values(entry)[0] ?? []);
}

function flopsOf(operator: string, inputs: readonly (readonly number[])[], output: readonly number[]): number {
  const [a, b] = inputs;
  if (a === undefined || b === undefined) return 0;
  if (operator === 'Conv') return 2 * product(output) * product(b.slice(1));
  if (operator === 'ConvTranspose') return 2 * product(a) * product(b.slice(1));
  return /MatMul|Gemm/.test(operator) ? 2 * product(output) * (a.at(-1) ?? 0) : 0;
}

/** Adds the kernel times of a trace to `costs`. */
function collect(events: readonly Event[], costs: Map<string, Cost>): void {
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || args?.op_name === undefined) continue;
    const [inputs, outputs] = [shapesOf(args.input_type_shape), shapesOf(args.output_type_shape)];
    const shapes = `${inputs.map((s) => s.join('×') || '1').join(' ')} → ${outputs.map((s) => s.join('×') || '1').join(' ')}`;
    const key = `${args.op_name} ${shapes}`;
    const cost = costs.get(key) ?? {
      operator: args.op_name,
      shapes,
      flops: flopsOf(args.op_name, inputs, outputs[0] ?? []),
      calls: 0,
      time: 0,
    };
    cost.calls += 1;
    cost.time += dur;
    costs.set(key, cost);
  }
}

function describe(costs: ReadonlyMap<string, Cost>): string {
  const all = [...costs.values()].toSorted((a, b) => b.time - a.time);
  const total = all.reduce((sum, { time }) => sum + time, 0);
  const share = (time: number): string => `${((100 * time) / total).toFixed(1)} %`;
  const perStep = (time: number): string => short(time / STEPS / 1000);
  const operators = new Map<string, { calls: number; time: number }>();
  for (const { operator, calls, time } of all) {
    const sum = operators.get(operator) ?? { calls: 0, time: 0 };
    operators.set(operator, { calls: sum.calls + calls, time: sum.time + time });
  }
  const byOperator = [...operators].toSorted(([, a], [, b]) => b.time - a.time);
  return [
    `Kernels: ${perStep(total)} ms per step.`,
    '',
    align([
      ['operator', 'ms', 'share', 'calls'],
      ...byOperator.map(([name, { calls, time }]) => [name, perStep(time), share(time), String(calls / STEPS)]),
    ]),
    '',
    align([
      ['operator and shapes', 'ms', 'share', 'calls', 'GFLOP/s'],
      ...all.slice(0, ROWS).map(({ operator, shapes, flops, calls, time }) => {
        const speed = flops === 0 ? '' : short((flops * calls) / time / 1e3);
        return [`${operator} ${shapes}`, perStep(time), share(time), String(calls / STEPS), speed];
      }),
    ]),
  ].join('\n');
}

/** Where the time of a workload's steps goes, by operator and by shapes, from ONNX Runtime's own trace. */
export async function profile(workload: Workload, threads: number): Promise<string> {
  const runtime = nodeRuntime({ threads });
  // The first session finds out what ONNX Runtime can do, with sessions of its own that are not to be profiled.
  await runtime.compile((x: Tensor) => x.neg(), { name: 'first' })(zeros([1]));
  const folder = mkdtempSync(join(tmpdir(), 'brownian-profile-'));
  const factory = sessions();
  const create = factory.create.bind(factory);
  const made: Session[] = [];
  factory.create = async (model, options) => {
    const prefix = join(folder, `session-${made.length}`);
    const session = await create(model, { ...options, enableProfiling: true, profileFilePrefix: prefix });
    made.push(session);
    return session;
  };
  try {
    const ready = await workload.setup(runtime);
    for (let i = 0; i < STEPS; i++) await ready.step();
    for (const session of made) session.endProfiling();
    await ready.dispose();
    await runtime.dispose();
    const costs = new Map<string, Cost>();
    for (const file of readdirSync(folder))
      collect(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Event[], costs);
    return `${workload.title}\n${describe(costs)}`;
  } finally {
    factory.create = create;
    rmSync(folder, { recursive: true });
  }
}
