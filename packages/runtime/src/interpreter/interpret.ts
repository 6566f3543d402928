import {
  type Graph,
  type NDArray,
  type Primitive,
  type Tensor,
  type TensorType,
  formatShape,
  sameShape,
  sizeOf,
  topologicalOrder,
} from '@brownian/graph';
import type { InterpretationRule } from './rule.ts';
import { INTERPRETATION_RULES } from './rules.ts';
import { type Values, toValues } from './storage.ts';
import { ValueStore, countUses } from './value-store.ts';

function describe({ dtype, shape }: TensorType): string {
  return `${dtype}${formatShape(shape)}`;
}

/** The values of one argument. @throws TypeError when its type is not the one that was asked for. */
function bind(array: NDArray, type: TensorType, what: string): Values {
  if (array.dtype !== type.dtype || !sameShape(array.shape, type.shape)) {
    throw new TypeError(`${what} takes ${describe(type)}, ${describe(array)} was given.`);
  }
  return toValues(array, what);
}

function evaluate(node: Tensor, inputs: readonly Values[]): Values {
  // The table is keyed by the primitive; TypeScript cannot correlate the lookup with the node's attributes.
  const rule = INTERPRETATION_RULES[node.primitive] as InterpretationRule<Primitive>;
  const values = rule(inputs, node.attributes, node, node.inputs);
  if (values.length !== sizeOf(node.shape)) {
    throw new Error(
      `${node.primitive} made ${values.length} values for ${describe(node)}: its rule or the node's type is wrong.`,
    );
  }
  return values;
}

/** The result of a node, with its own storage so that no later write to an argument can change it. */
function toNDArray(node: TensorType, values: Values): NDArray {
  return { dtype: node.dtype, shape: [...node.shape], data: values.slice() };
}

/**
 * Orders a graph once, for many runs: the result takes arrays in the order of the graph's inputs and returns arrays in
 * the order of its outputs, as {@link interpret} does.
 *
 * @throws TypeError when an input that the outputs need is not among the graph's inputs.
 */
export function prepareInterpretation(graph: Graph): (inputs: readonly NDArray[]) => NDArray[] {
  const given = new Set<Tensor>(graph.inputs);
  const order = topologicalOrder(graph.outputs).filter((node) => !given.has(node));
  const uses = countUses(order, graph.outputs);
  const unbound = order.find((node): node is Tensor<'input'> => node.primitive === 'input');
  if (unbound !== undefined) {
    throw new TypeError(
      `Graph "${graph.name}" reads the input "${unbound.attributes.name}", which is not among its inputs.`,
    );
  }
  return (inputs) => {
    const store = new ValueStore(uses);
    bindInputs(graph, inputs).forEach((values, i) => store.put(graph.inputs[i] as Tensor, values));
    for (const node of order) {
      const operands = node.inputs.map((input) => store.use(input));
      store.put(node, evaluate(node, operands));
    }
    return graph.outputs.map((output) => toNDArray(output, store.use(output)));
  };
}

function bindInputs(graph: Graph, inputs: readonly NDArray[]): Values[] {
  if (inputs.length !== graph.inputs.length) {
    const names = graph.inputs.map((input) => input.attributes.name).join(', ');
    throw new TypeError(
      `Graph "${graph.name}" takes ${graph.inputs.length} inputs (${names}), ${inputs.length} were given.`,
    );
  }
  return graph.inputs.map((input, i) =>
    bind(inputs[i] as NDArray, input, `Graph "${graph.name}", input "${input.attributes.name}"`),
  );
}

/**
 * Runs a graph in double precision: slow, simple, and the reference for every other backend.
 *
 * @param inputs Arrays in the order of `graph.inputs`; float32 ones may hold Float32Array or Float64Array.
 * @returns Arrays in the order of `graph.outputs`; those of dtype float32 hold Float64Array. They share no storage with
 *   the inputs.
 * @throws TypeError when the inputs' number, dtypes or shapes are not those of the graph.
 * @throws RangeError when an index of `gather` or `scatterAdd` is outside its axis, an integer is divided by zero, or a
 *   number without an integer value is cast to one.
 */
export function interpret(graph: Graph, inputs: readonly NDArray[]): NDArray[] {
  return prepareInterpretation(graph)(inputs);
}

/**
 * The value of one node from the values of its operands, in double precision: what a constant-folding pass needs.
 *
 * @param inputs Arrays in the order of `tensor.inputs`, with their types.
 * @throws TypeError when the number, dtypes or shapes of `inputs` are not those of the node's operands.
 */
export function evaluateConstant(tensor: Tensor, inputs: readonly NDArray[]): NDArray {
  if (inputs.length !== tensor.inputs.length) {
    throw new TypeError(`${tensor.primitive} takes ${tensor.inputs.length} operands, ${inputs.length} were given.`);
  }
  const values = tensor.inputs.map((input, i) =>
    bind(inputs[i] as NDArray, input, `${tensor.primitive}, operand ${i + 1}`),
  );
  return toNDArray(tensor, evaluate(tensor, values));
}
