import { type Primitive, type Target, lower, trace } from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { probeBlockSize } from '../../src/onnxruntime/blocks.ts';
import { checkOp, failures } from './check-op.ts';
import { COMPOSITE_CASES } from './composite-cases.ts';
import { CONVOLUTION_CASES, POOLING_CASES } from './image-cases.ts';
import type { OpCase } from './op-case.ts';
import { PRIMITIVE_CASES } from './op-cases.ts';
import { type Choice, loweredFor, preferring } from './runtimes.ts';

/** Channels per block of this machine's blocked operators; undefined where there are none, and then nothing may use them. */
const blockSize = await probeBlockSize(ort);

function opsOf(op: OpCase, target: Target, wanted = ''): string[] {
  const { graph } = trace(op.name, op.f, op.inputs);
  return lower(graph, { target, blockSize, choose: preferring(wanted) }).model.nodes.map((node) => node.op);
}

/** Operators that do arithmetic or move data about; what only turns axes is left out. */
function workOf(ops: readonly string[]): string[] {
  return ops.filter((name) => name !== 'Reshape' && name !== 'Transpose');
}

/** Rows of pixels with a row of zeros, the rows under each tap. */
const COLUMNS = ['Pad', 'Gather'];
const BLOCKED = ['ReorderInput', 'Conv', 'ReorderOutput'];

/** The operators that each form of the convolution family is made of, on the case named. */
const FORMS: Readonly<Record<string, { readonly on: string; readonly ops: readonly string[] }>> = {
  'conv2d: direct': { on: 'conv2d, dilated and strided', ops: ['Conv'] },
  'conv2dInputGrad: direct': { on: 'conv2dInputGrad, padded', ops: ['Slice', 'Conv'] },
  'conv2dFilterGrad: direct': { on: 'conv2dFilterGrad, padded', ops: ['Conv'] },
  'conv2d: product': { on: 'conv2d, dilated and strided', ops: [...COLUMNS, 'MatMul'] },
  // The blocks that the product gives are put side by side and cropped.
  'conv2dInputGrad: product': { on: 'conv2dInputGrad, padded', ops: [...COLUMNS, 'MatMul', 'Slice'] },
  'conv2dFilterGrad: product': { on: 'conv2dFilterGrad, padded', ops: [...COLUMNS, 'MatMul'] },
  'conv2d: conv': { on: 'conv2d, dilated and strided', ops: ['Conv'] },
  'conv2dInputGrad: flipped-conv': { on: 'conv2dInputGrad, padded', ops: ['Slice', 'Conv'] },
  'conv2dInputGrad: conv-transpose': { on: 'conv2dInputGrad, padded', ops: ['ConvTranspose'] },
  'conv2dFilterGrad: dilated-conv': { on: 'conv2dFilterGrad, padded', ops: ['Conv'] },
  ...(blockSize !== undefined && {
    'conv2d: blocked': { on: 'conv2d, a block to a block', ops: BLOCKED },
    // The taps are turned round.
    'conv2dInputGrad: blocked': { on: 'conv2dInputGrad, a block to a block', ops: ['Gather', ...BLOCKED] },
  }),
};

describe('forms of the convolution family', () => {
  const cases: readonly OpCase[] = [
    ...Object.values(CONVOLUTION_CASES).flat(),
    ...COMPOSITE_CASES.filter(({ name }) => /conv/i.test(name)),
  ];

  test('are all in the table, so that none goes untested', () => {
    const choices: Choice[] = [];
    for (const { name, f, inputs } of cases) {
      lower(trace(name, f, inputs).graph, { target: 'cpu', blockSize, choose: preferring('', choices) });
    }
    const offered = choices.flatMap(({ node, offered: forms }) => forms.map((form) => `${node.primitive}: ${form}`));
    expect([...new Set(offered)].toSorted()).toEqual(Object.keys(FORMS).toSorted());
  });

  for (const [key, { on, ops }] of Object.entries(FORMS)) {
    const [primitive, form] = key.split(': ') as [Primitive, string];
    describe(`the form ${key}`, () => {
      const choices: Choice[] = [];
      const runtime = nodeRuntime({ threads: 1, choose: preferring(form, choices) });
      afterAll(() => runtime.dispose());

      test(`is ${ops.join(', ')}`, () => {
        const op = cases.find(({ name }) => name === on) as OpCase;
        expect(workOf(opsOf(op, 'cpu', form)).toSorted()).toEqual(ops.toSorted());
      });

      test.each(cases)('$name', async (op) => {
        expect(failures(await checkOp(op, runtime))).toEqual([]);
      });

      test('was taken by sessions that ran', () => {
        expect(choices.some(({ node, taken }) => node.primitive === primitive && taken === form)).toBe(true);
      });
    });
  }
});

describe('pooling', () => {
  const [tiled, overlapping] = ['tiled', 'overlapping'];
  const find = (name: string): OpCase =>
    Object.values(POOLING_CASES)
      .flat()
      .find((op) => op.name === name) as OpCase;

  test('takes MaxPool’s indices where the target has them', () => {
    expect(opsOf(find(`maxPoolPick, ${overlapping}`), 'cpu')).toEqual([
      'MaxPool',
      'Reshape',
      'Reshape',
      'Gather',
      'Reshape',
    ]);
    expect(opsOf(find(`maxPoolScatter, ${tiled}`), 'wasm')).toEqual(['MaxPool', 'MaxUnpool']);
  });

  test('compares and selects where it does not, or where windows overlap', () => {
    expect(opsOf(find(`maxPoolPick, ${overlapping}`), 'webgpu')).toEqual(expect.arrayContaining(['Equal', 'Where']));
    expect(opsOf(find(`maxPoolScatter, ${tiled}`), 'webgpu')).toEqual(
      expect.arrayContaining(['Equal', 'Where', 'Concat']),
    );
    for (const target of ['cpu', 'webgpu'] as const) {
      expect(opsOf(find(`maxPoolScatter, ${overlapping}`), target)).toContain('ConvTranspose');
    }
  });

  test('asks WebGPU for neither MaxPool’s indices nor MaxUnpool', () => {
    const nodes = Object.values(POOLING_CASES)
      .flat()
      .flatMap((op) => lower(trace(op.name, op.f, op.inputs).graph, { target: 'webgpu' }).model.nodes);
    const pools = nodes.filter((node) => node.op.startsWith('Max'));
    expect(new Set(pools.map((node) => `${node.op} with ${node.outputs.length} result`))).toEqual(
      new Set(['MaxPool with 1 result']),
    );
  });
});

describe('every case as lowered for WebGPU, on the CPU', () => {
  const runtime = loweredFor('webgpu');
  afterAll(() => runtime.dispose());

  test.each([...Object.values(PRIMITIVE_CASES).flat(), ...COMPOSITE_CASES])('$name', async (op) => {
    expect(failures(await checkOp(op, runtime))).toEqual([]);
  });
});
