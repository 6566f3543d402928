import { OnnxError, type ReadModel, type ReadNode, type ReadValue, decodeModel } from '../onnx/decode.ts';
import type { Tensor } from '../tensor.ts';
import { type ImportRule, type ImportState, NodeContext, Refusal, type Value, asTensor } from './context.ts';
import { CONVOLUTION_RULES } from './convolution.ts';
import { ELEMENTWISE_RULES } from './elementwise.ts';
import { evaluateKnown } from './known.ts';
import { STRUCTURE_RULES } from './structure.ts';

const RULES: Readonly<Record<string, ImportRule>> = { ...CONVOLUTION_RULES, ...ELEMENTWISE_RULES, ...STRUCTURE_RULES };

/** A network of an ONNX file as a function of tensors: differentiable, and part of whatever graph it is called in. */
export interface OnnxNetwork {
  /** What it is fed, without arrays that are in the file. Axes of any size have a name. */
  readonly inputs: readonly ReadValue[];
  readonly outputs: readonly ReadValue[];
  /**
   * Builds the network.
   *
   * @param inputs a tensor for each input; sizes may differ from those in the file where its operators allow it
   * @param wanted names of outputs, or of any values between; only what these need is built
   * @throws OnnxError that names the node in one sentence when an operator cannot be imported
   */
  apply(inputs: Readonly<Record<string, Tensor>>, wanted: readonly string[]): Tensor[];
}

/** The nodes that some values need, in the order of the file, which is one in which they can run. */
function needed(nodes: readonly ReadNode[], wanted: readonly string[]): ReadNode[] {
  const names = new Set(wanted);
  return nodes
    .toReversed()
    .filter(({ outputs, inputs }) => {
      const used = outputs.some((name) => names.has(name));
      if (used) for (const name of inputs) names.add(name);
      return used;
    })
    .toReversed();
}

function runNode(at: NodeContext): Value | readonly Tensor[] {
  const { op, domain } = at.node;
  const known = domain === '' ? evaluateKnown(at) : undefined;
  if (known !== undefined) return known;
  const rule = domain === '' && Object.hasOwn(RULES, op) ? RULES[op] : undefined;
  if (rule !== undefined) return rule(at);
  throw new Refusal(`there is no rule for ${domain === '' ? 'this operator' : `operators of the domain ${domain}`}`);
}

/** @throws OnnxError naming the node */
function importNode(at: NodeContext, file: string): Value | readonly Tensor[] {
  try {
    return runNode(at);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const why = error.message.replace(/\.$/, '');
    const { op, name } = at.node;
    throw new OnnxError(
      `The node "${name}" (${op}) of ${file} cannot be imported: ${why}; take the filters from a value before it.`,
      { cause: error },
    );
  }
}

class ImportedNetwork implements OnnxNetwork {
  readonly inputs: readonly ReadValue[];
  readonly outputs: readonly ReadValue[];
  readonly #model: ReadModel;
  readonly #file: string;

  constructor(model: ReadModel, file: string) {
    this.inputs = model.inputs;
    this.outputs = model.outputs;
    this.#model = model;
    this.#file = file;
  }

  apply(inputs: Readonly<Record<string, Tensor>>, wanted: readonly string[]): Tensor[] {
    const values = new Map<string, Value>([...this.#model.initializers, ...Object.entries(inputs)]);
    const state: ImportState = { opset: this.#model.opsets[''] ?? 1, rescalable: new Map() };
    for (const node of needed(this.#model.nodes, wanted)) {
      const operands = node.inputs.map((name) => (name === '' ? undefined : this.#find(values, name, node)));
      const result = importNode(new NodeContext(node, operands, state), this.#file);
      const results = Array.isArray(result) ? (result as readonly Tensor[]) : [result as Value];
      results.forEach((value, i) => values.set(node.outputs[i] ?? '', value));
    }
    return wanted.map((name) => asTensor(this.#find(values, name)));
  }

  #find(values: ReadonlyMap<string, Value>, name: string, reader?: ReadNode): Value {
    const value = values.get(name);
    if (value !== undefined) return value;
    if (reader !== undefined)
      throw new OnnxError(
        `The node "${reader.name}" (${reader.op}) of ${this.#file} reads "${name}", which nothing makes.`,
      );
    const outputs = this.outputs.map((output) => `"${output.name}"`).join(', ');
    throw new OnnxError(`${this.#file} has no value called "${name}"; its outputs are ${outputs}.`);
  }
}

/**
 * Reads an ONNX file as a function of tensors, so that gradients flow through it: convolutions (also grouped and depthwise),
 * pooling, normalisation with fixed statistics (put into the convolutions), activations, arithmetic and dense layers.
 *
 * @param file names the file in errors
 * @throws OnnxError when the bytes are no ONNX model
 */
export function importOnnx(bytes: Uint8Array, file: string): OnnxNetwork {
  return new ImportedNetwork(decodeModel(bytes, file), file);
}
