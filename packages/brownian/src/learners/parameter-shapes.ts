import { type NDArray, ShapeError, flatten, formatShape, sameShape } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params } from '../interfaces.ts';

/** A named part of a model, for items of one shape. */
export interface Sized {
  readonly name: string;
  readonly itemShape: readonly number[];
}

/**
 * A check that parameters are those of a net for items of this shape. Parameters of another size would broadcast, be left out, or fail inside a
 * convolution, and samples of them look like images.
 *
 * @param init draws parameters of the net; called once, when the first are checked, with a stream split from theirs
 * @returns what throws a ShapeError for others
 */
export function parameterCheck(
  { name, itemShape }: Sized,
  init: (key: Stream) => Params,
): (params: Params, draw: Stream) => void {
  let own: ReadonlyMap<string, readonly number[]> | undefined;
  const shapesOf = (params: Params): Map<string, readonly number[]> => {
    const { leaves, paths } = flatten<NDArray>(params);
    return new Map(paths.map((path, i) => [path, (leaves[i] as NDArray).shape]));
  };
  const text = (shape: readonly number[] | undefined): string =>
    shape === undefined ? 'of nothing' : formatShape(shape);
  return (params, draw) => {
    own ??= shapesOf(init(draw.split('shapes')));
    const given = shapesOf(params);
    for (const path of new Set([...own.keys(), ...given.keys()])) {
      const [wanted, got] = [own.get(path), given.get(path)];
      if (wanted !== undefined && got !== undefined && sameShape(wanted, got)) continue;
      throw new ShapeError(
        `${name}: "${path}" has the shape ${text(got)}, items of ${formatShape(itemShape)} take ${text(wanted)}; ` +
          'weights per channel and no dense layer fit every size.',
      );
    }
  };
}
