import { expect, test } from 'vitest';
import { type NDArray, countValues, flatten, full, item, mapTree, ndarray, unflatten, zeros } from '@brownian/graph';

const a = ndarray([1, 2]);
const b = full([2, 3], 5);
const c = zeros([], 'int32');
const tree = { weights: [a, { deep: b }], bias: c };

test('leaves come in a fixed order, records by sorted key, with the path of each', () => {
  const { leaves, paths } = flatten<NDArray>(tree);
  expect(paths).toEqual(['bias', 'weights.0', 'weights.1.deep']);
  expect(leaves).toEqual([c, a, b]);
});

test('unflatten undoes flatten', () => {
  const { leaves, structure } = flatten(tree);
  expect(unflatten(structure, leaves)).toEqual(tree);
});

test('a leaf alone is a tree with the empty path', () => {
  const { leaves, paths, structure } = flatten(a);
  expect([leaves, paths]).toEqual([[a], ['']]);
  expect(unflatten(structure, [b])).toBe(b);
});

test('empty lists and records keep their place', () => {
  const empty = { list: [], record: {} };
  const { leaves, structure } = flatten(empty);
  expect(leaves).toEqual([]);
  expect(unflatten(structure, [])).toEqual(empty);
});

test('undefined fields are left out', () => {
  expect(flatten({ x: a, y: undefined }).paths).toEqual(['x']);
});

test.each([
  ['a number', { sigma: 0.3 }, 'found the number 0.3 at "sigma"'],
  ['text', [a, 'relu'], 'found the string relu at "1"'],
  ['null', { x: null }, 'found null at "x"'],
  ['undefined in a list', [undefined], 'found undefined at "0"'],
  [
    'a bare typed array',
    { x: [Float32Array.of(1)] },
    'found a bare Float32Array (wrap it with ndarray(data, shape)) at "x.0"',
  ],
  ['a promise', { x: Promise.resolve(a) }, 'found a promise (await it first) at "x"'],
  ['an instance of a class', [new Map([['x', a]])], 'found an instance of Map at "0"'],
  ['a function at the root', Math.sin, 'at "(root)"'],
])('%s in a tree is an error that says where', (_, bad, message) => {
  expect(() => flatten(bad)).toThrow(TypeError);
  expect(() => flatten(bad)).toThrow(message);
});

test('unflatten refuses too few and too many leaves', () => {
  const { structure } = flatten(tree);
  expect(() => unflatten(structure, [a, b])).toThrow('more than 2 leaves');
  expect(() => unflatten(structure, [a, b, c, a])).toThrow('has 3 leaves, 4 were given');
});

test('mapTree walks trees of one structure together', () => {
  const sums = mapTree<NDArray, number>(
    (x, y) => Number(x.data[0]) + Number(y.data[0]),
    [a, { deep: b }],
    [b, { deep: a }],
  );
  expect(sums).toEqual([6, { deep: 6 }]);
});

test('mapTree refuses trees of another structure and names the leaves of both', () => {
  expect(() => mapTree((x) => x, { x: a }, { y: a })).toThrow('Trees differ in structure: leaves [x] and [y].');
  expect(() => mapTree((x) => x, [a], { 0: a })).toThrow('Trees differ in structure');
});

test('countValues counts every element', () => {
  expect(countValues(tree)).toBe(9);
});

test('ndarray takes its dtype from the storage and its size from the shape', () => {
  expect(ndarray([1, 2]).dtype).toBe('float32');
  expect(ndarray(Float64Array.of(1, 2)).dtype).toBe('float32');
  expect(ndarray(Int32Array.of(1)).dtype).toBe('int32');
  expect(ndarray(BigInt64Array.of(1n)).dtype).toBe('int64');
  expect(ndarray(Uint8Array.of(1)).dtype).toBe('bool');
  expect(() => ndarray([1, 2, 3], [2, 2])).toThrow('Shape [2, 2] holds 4 values, 3 were given.');
});

test('item takes the value out of an array of one element only', () => {
  expect(item(ndarray(BigInt64Array.of(7n), [1, 1]))).toBe(7);
  expect(() => item(b)).toThrow('got shape [2, 3]');
});
