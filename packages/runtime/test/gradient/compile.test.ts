import {
  type Graph,
  type NDArray,
  type Tensor,
  conv2d,
  item,
  log,
  ndarray,
  topologicalOrder,
  zeros,
} from '@brownian/graph';
import {
  type Backend,
  type Runtime,
  NonFiniteError,
  createRuntime,
  createStream,
  interpreterBackend,
} from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const values = ({ data }: NDArray): number[] => Array.from(data, Number);
const a = ndarray([1, 2, 3]);
const b = ndarray([10, 20, 30]);

describe.each([
  ['onnxruntime-node', () => nodeRuntime({ threads: 1 })],
  ['the interpreter', () => createRuntime(interpreterBackend())],
])('a function compiled for %s', (_, make) => {
  let runtime: Runtime;
  beforeEach(() => {
    runtime = make();
  });
  afterEach(() => runtime.dispose());

  test('takes and returns trees of arrays', async () => {
    const f = runtime.compile(({ x, list }: { x: Tensor; list: Tensor[] }) => ({ sums: list.map((y) => x.add(y)), x }));
    const { sums, x } = await f({ x: a, list: [a, b] });
    expect([...sums, x].map(values)).toEqual([
      [2, 4, 6],
      [11, 22, 33],
      [1, 2, 3],
    ]);
  });

  test('is traced and loaded once per combination of shapes', async () => {
    let traces = 0;
    const f = runtime.compile((x: Tensor, y: Tensor) => {
      traces++;
      return x.mul(y);
    });
    await f(a, b);
    await f(b, a);
    expect([traces, runtime.openSessions]).toEqual([1, 1]);
    await f(a, ndarray([2], []));
    await f(a.data.length === 3 ? ndarray([1, 2, 3], [1, 3]) : a, b);
    expect([traces, runtime.openSessions]).toEqual([3, 3]);
    expect(values(await f(b, b))).toEqual([100, 400, 900]);
    expect([traces, runtime.openSessions]).toEqual([3, 3]);
  });

  test('tells dtypes and tree paths apart, not only shapes', async () => {
    const f = runtime.compile((tree: Record<string, Tensor>) => Object.values(tree).map((x) => x.add(1)));
    await f({ x: a });
    await f({ y: a });
    await f({ x: ndarray(Int32Array.of(1, 2, 3)) });
    expect(runtime.openSessions).toBe(3);
  });

  test('gives right results to calls that overlap, from the first one on', async () => {
    const f = runtime.compile((x: Tensor, y: Tensor) => x.mul(y).add(1));
    const inputs = Array.from({ length: 20 }, (__, i) => ndarray([i, -i, 0.5], [3]));
    const results = await Promise.all(inputs.map((x) => f(x, a)));
    expect(results.map(values)).toEqual(inputs.map((__, i) => [i + 1, 1 - 2 * i, 2.5]));
    expect(runtime.openSessions).toBe(1);
  });

  test('keeps results apart from later runs and from its inputs', async () => {
    const f = runtime.compile((x: Tensor) => ({ same: x, twice: x.add(x) }));
    const x = ndarray([1, 2]);
    const first = await f(x);
    await f(ndarray([5, 6]));
    x.data.fill(9 as never);
    expect([values(first.same), values(first.twice)]).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });

  test('shows its optimised graph without loading it', () => {
    const f = runtime.compile((x: Tensor) => x.mul(1).add(x.mul(1)), { name: 'twice' });
    const { name, outputs } = f.graph(a);
    expect([name, topologicalOrder(outputs).map((node) => node.primitive)]).toEqual([
      'twice',
      ['input', 'constant', 'mul'],
    ]);
    expect(runtime.openSessions).toBe(0);
  });

  test('releases its sessions and can be used again after', async () => {
    const f = runtime.compile((x: Tensor) => x.neg());
    const g = runtime.compile((x: Tensor) => x.add(1));
    await Promise.all([f(a), f(ndarray([1])), g(a)]);
    expect(runtime.openSessions).toBe(3);
    await f.dispose();
    expect(runtime.openSessions).toBe(1);
    expect(values(await f(a))).toEqual([-1, -2, -3]);
    await runtime.dispose();
    expect(runtime.openSessions).toBe(0);
  });

  test('finishes the calls it has begun before it is disposed of', async () => {
    const f = runtime.compile((x: Tensor) => x.neg());
    const first = f(a);
    const [result] = await Promise.all([first, runtime.dispose()]);
    expect(values(result)).toEqual([-1, -2, -3]);
    await f(a);
    const calls = [f(a), f(b)];
    const [again] = await Promise.all([Promise.all(calls), f.dispose()]);
    expect(again.map(values)).toEqual([
      [-1, -2, -3],
      [-10, -20, -30],
    ]);
    expect(runtime.openSessions).toBe(0);
  });

  test('may be disposed of twice, and before it was ever called', async () => {
    const f = runtime.compile((x: Tensor) => x.neg());
    await f.dispose();
    await f(a);
    await Promise.all([f.dispose(), f.dispose(), runtime.dispose()]);
    expect(runtime.openSessions).toBe(0);
  });

  describe('with frozen arguments', () => {
    const affine = (x: Tensor, w: { gain: Tensor; shift: Tensor }): Tensor => x.mul(w.gain).add(w.shift);

    test('builds their values in', async () => {
      const f = runtime.compile(affine, { frozen: [1] });
      const w = { gain: b, shift: a };
      expect(values(await f(a, w))).toEqual([11, 42, 93]);
      expect(f.graph(a, w).inputs.map((input) => input.attributes.name)).toEqual(['arg0']);
      expect(values(await f(b, w))).toEqual([101, 402, 903]);
      expect(runtime.openSessions).toBe(1);
    });

    test('compiles again for another object, and keeps both', async () => {
      const f = runtime.compile(affine, { frozen: [1] });
      const [first, second] = [
        { gain: a, shift: a },
        { gain: b, shift: b },
      ];
      expect(values(await f(a, first))).toEqual([2, 6, 12]);
      expect(values(await f(a, second))).toEqual([20, 60, 120]);
      expect(values(await f(a, first))).toEqual([2, 6, 12]);
      expect(runtime.openSessions).toBe(2);
    });

    test('takes the first of several, and all of them', async () => {
      const difference = (x: Tensor, y: Tensor): Tensor => x.sub(y);
      expect(values(await runtime.compile(difference, { frozen: [0] })(b, a))).toEqual([9, 18, 27]);
      expect(values(await runtime.compile(difference, { frozen: [0, 1] })(b, a))).toEqual([9, 18, 27]);
    });

    test('says so when one is missing', async () => {
      const f = runtime.compile(affine, { frozen: [1], name: 'affine' });
      const call = (f as unknown as (x: NDArray) => Promise<unknown>)(a);
      await expect(call).rejects.toThrow(
        new TypeError('affine: argument 1 is frozen and takes arrays, got undefined.'),
      );
    });

    test('gives the values of large filters, which are not folded', async () => {
      const stream = createStream('filters');
      const [x, w] = [stream.normal([1, 8, 4, 4]), stream.normal([64, 8, 3, 3])];
      const conv = (image: Tensor, filters: Tensor): Tensor => conv2d(image, filters);
      const frozen = values(await runtime.compile(conv, { frozen: [1] })(x, w));
      const fed = values(await runtime.compile(conv)(x, w));
      // The same sums of 72 products; ORT may block them differently when it knows the filters.
      frozen.forEach((value, i) => expect(Math.abs(value - (fed[i] as number))).toBeLessThan(1e-4));
    });
  });

  describe('stops on numbers that are not finite', () => {
    test('and names the function, the output, the value and its place', async () => {
      const f = runtime.compile(({ w }: { w: Tensor }) => ({ fine: w, params: { w: log(w) } }), { name: 'step' });
      const call = f({ w: ndarray([1, 0, -1]) });
      await expect(call).rejects.toThrow(NonFiniteError);
      await expect(call).rejects.toMatchObject({ functionName: 'step', output: 'params.w' });
      await expect(call).rejects.toThrow(
        'step: output "params.w" has -Infinity at position 1 of 3; the computation diverged.',
      );
    });

    test('and takes values whose sum overflows for what they are: finite', async () => {
      const f = runtime.compile((x: Tensor) => x.mul(1));
      await expect(f(ndarray([3e38, 3e38, -3e38]))).resolves.toBeDefined();
    });

    test('unless told not to', async () => {
      const f = runtime.compile((x: Tensor) => log(x), { checkFinite: false });
      expect(values(await f(ndarray([0, 1])))).toEqual([-Infinity, 0]);
    });
  });

  describe('says what is wrong with its arguments', () => {
    const f = (): ((...args: unknown[]) => Promise<unknown>) =>
      runtime.compile((x: Tensor, y: Tensor) => x.add(y), { name: 'total' }) as never;

    test.each([
      ['shapes that do not fit', [a, zeros([2])], 'add: shapes do not broadcast'],
      [
        'dtypes that do not fit',
        [a, zeros([3], 'int32')],
        'add: operands must have one dtype; use cast() (got float32[3] and int32[3])',
      ],
      ['a number', [a, 3], 'found the number 3 at "1"'],
      [
        'a bare array',
        [a, new Float32Array(3)],
        'found a bare Float32Array (wrap it with ndarray(data, shape)) at "1"',
      ],
      ['a promise', [a, Promise.resolve(a)], 'found a promise (await it first) at "1"'],
    ])('%s', async (__, args, message) => {
      await expect(f()(...args)).rejects.toThrow(message);
      expect(runtime.openSessions).toBe(0);
    });

    test('an array whose data is not as long as its shape says', async () => {
      const short = { ...a, data: new Float32Array(2) };
      await expect(f()(a, short)).rejects.toThrow('total: argument "1" of shape [3] has 2 values.');
    });
  });

  test('refuses a concrete array among the operands and in the result', async () => {
    const operand = runtime.compile((x: Tensor) => x.add(b as unknown as Tensor));
    await expect(operand(a)).rejects.toThrow('add: operand 2 is a concrete array float32[3]; wrap it with constant().');
    const result = runtime.compile((x: Tensor) => ({ x, b }), { name: 'pair' });
    await expect(result(a)).rejects.toThrow('pair: the result at "b" is a concrete array; wrap it with constant().');
  });
});

describe('a backend that fails', () => {
  /** Fails to load while `broken`. */
  function failing(): { runtime: Runtime; repair: () => void } {
    let broken = true;
    const inner = interpreterBackend();
    const load = async (graph: Graph): ReturnType<Backend['load']> => {
      if (broken) throw new Error('out of memory');
      return inner.load(graph);
    };
    return { runtime: createRuntime({ name: 'failing', load }), repair: () => (broken = false) };
  }

  test('tells every caller, can be disposed of, and is asked again at the next call', async () => {
    const { runtime, repair } = failing();
    const f = runtime.compile((x: Tensor) => x.sum());
    const calls = [f(a), f(a)];
    for (const call of calls) await expect(call).rejects.toThrow('out of memory');
    await f.dispose();
    const late = f(a);
    await Promise.all([expect(late).rejects.toThrow('out of memory'), f.dispose()]);
    repair();
    expect(item(await f(a))).toBe(6);
    await runtime.dispose();
    expect(runtime.openSessions).toBe(0);
  });
});

test('onnxruntime-node says which function and shapes a model had that it refused', async () => {
  const runtime = nodeRuntime({ threads: 1, choose: () => 'no such form' });
  const f = runtime.compile((x: Tensor, w: Tensor) => conv2d(x, w), { name: 'features' });
  await expect(f(zeros([1, 1, 3, 3]), zeros([1, 1, 2, 2]))).rejects.toThrow(
    'features with inputs [1, 1, 3, 3], [1, 1, 2, 2] could not be loaded on cpu: conv2d: "no such form" is not a form of it here',
  );
});
