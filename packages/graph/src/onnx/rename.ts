import type { OnnxModel } from './model.ts';

/**
 * The same model with other names of values, such as those of its inputs and outputs.
 *
 * @param names new names by old ones; a value that is not named keeps its name
 * @throws RangeError when two values would have one name
 */
export function renameValues(model: OnnxModel, names: ReadonlyMap<string, string>): OnnxModel {
  const renamed = (name: string): string => names.get(name) ?? name;
  const made = [
    ...model.inputs.map(({ name }) => name),
    ...model.initializers.map(({ name }) => name),
    ...model.nodes.flatMap(({ outputs }) => outputs),
  ];
  const seen = new Set<string>();
  for (const name of made.map(renamed)) {
    if (seen.has(name)) throw new RangeError(`${model.name}: two values would be called "${name}"; give another name.`);
    seen.add(name);
  }
  return {
    ...model,
    nodes: model.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
    initializers: model.initializers.map((array) => ({ ...array, name: renamed(array.name) })),
    inputs: model.inputs.map((value) => ({ ...value, name: renamed(value.name) })),
    outputs: model.outputs.map((value) => ({ ...value, name: renamed(value.name) })),
  };
}
