import { ShapeError, formatShape, sameShape } from '@brownian/graph';

/**
 * Broadcasting and convolutions would take items of some other shapes too, and learn something else.
 *
 * @param shape of the items at hand
 * @param what they are, for the message
 * @throws ShapeError unless they have the shape that a model takes
 */
export function checkItemShape(
  { name, itemShape }: { readonly name: string; readonly itemShape: readonly number[] },
  shape: readonly number[],
  what: string,
): void {
  if (!sameShape(shape, itemShape))
    throw new ShapeError(
      `${name}: ${what} has items of shape ${formatShape(shape)}, the model takes ${formatShape(itemShape)}.`,
    );
}
