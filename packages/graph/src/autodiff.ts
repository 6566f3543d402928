import { topologicalOrder } from './graph.ts';
import type { Primitive } from './primitives.ts';
import { VJP_RULES, type VjpRule } from './rules/vjp.ts';
import { ShapeError } from './rules/shape.ts';
import { Tensor, apply, constant, placeholder } from './tensor.ts';
import { flatten, mapTree, unflatten } from './tree.ts';
import { formatShape } from './types.ts';
import { full } from './ndarray.ts';

function isDifferentiable(x: Tensor): boolean {
  return x.dtype === 'float32';
}

function zerosLike(x: Tensor): Tensor {
  return apply('expand', [constant(full([], 0))], { shape: x.shape });
}

function vjpOf<P extends Primitive>(g: Tensor, node: Tensor<P>): readonly (Tensor | null)[] {
  // The table is keyed by P; an indexed access loses the correlation.
  return (VJP_RULES[node.primitive] as VjpRule<P>)(g, node);
}

/** The nodes between `wrt` and the outputs, in topological order: only these carry cotangents. */
function activeNodes(outputs: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const active = new Set<Tensor>(wrt);
  return topologicalOrder(outputs).filter((node) => {
    if (active.has(node)) return true;
    const carries =
      isDifferentiable(node) && node.primitive !== 'stopGradient' && node.inputs.some((x) => active.has(x));
    if (carries) active.add(node);
    return carries;
  });
}

/**
 * Reverse-mode differentiation of the graph itself: Σ outputsᵀ·cotangents differentiated with respect to each tensor of `wrt`.
 * The result is again made of primitives. Tensors the outputs do not depend on get zeros.
 */
export function pullback(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const totals = new Map<Tensor, Tensor>();
  const accumulate = (node: Tensor, g: Tensor): void => {
    const before = totals.get(node);
    totals.set(node, before === undefined ? g : before.add(g));
  };
  const order = activeNodes(outputs, wrt);
  const active = new Set(order);
  const targets = new Set(wrt);
  outputs.forEach((output, i) => {
    if (active.has(output)) accumulate(output, cotangents[i] as Tensor);
  });
  for (const node of order.toReversed()) {
    const g = totals.get(node);
    if (g === undefined) continue;
    if (!targets.has(node)) totals.delete(node);
    if (!node.inputs.some((x) => active.has(x))) continue;
    vjpOf(g, node).forEach((dx, i) => {
      const x = node.inputs[i] as Tensor;
      if (dx !== null && active.has(x)) accumulate(x, dx);
    });
  }
  return wrt.map((x) => totals.get(x) ?? zerosLike(x));
}

/** Fresh handles for the leaves of a tree, so that a derivative sees the argument and not its other uses. */
function marked(tree: unknown): { leaves: Tensor[]; tree: unknown } {
  const { leaves, structure, paths } = flatten<Tensor>(tree);
  leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor))
      throw new TypeError(
        `Derivatives are taken of tensors; "${paths[i]}" is a concrete array. Trace the function with compile().`,
      );
    if (!isDifferentiable(leaf))
      throw new TypeError(
        `Derivatives are taken of float32 tensors; "${paths[i] || 'the argument'}" is ${leaf.dtype}.`,
      );
  });
  const handles = leaves.map((leaf) => apply('identity', [leaf], {}));
  return { leaves: handles, tree: unflatten(structure, handles) };
}

/** A function of trees of tensors with a scalar result. */
type ScalarFunction<Args extends readonly unknown[]> = (...args: Args) => Tensor;

/**
 * `f` together with its gradient in argument `argnum` (0 by default).
 *
 * @returns a function giving `[f(…args), ∂f/∂args[argnum]]`; the gradient has the argument's structure and shapes.
 * @throws ShapeError when f does not return a scalar.
 */
export function valueAndGrad<const Args extends readonly unknown[], K extends number = 0>(
  f: ScalarFunction<Args>,
  argnum: K = 0 as K,
): (...args: Args) => [Tensor, Args[K]] {
  return (...args) => {
    const { leaves, tree } = marked(args[argnum]);
    const value = f(...(args.map((arg, i) => (i === argnum ? tree : arg)) as unknown as Args));
    if (!(value instanceof Tensor) || value.shape.length !== 0 || !isDifferentiable(value)) {
      const got = value instanceof Tensor ? `${value.dtype}${formatShape(value.shape)}` : typeof value;
      throw new ShapeError(`grad: the function must return a float32 scalar, got ${got}. Sum or average it first.`);
    }
    const gradients = pullback([value], [constant(full([], 1))], leaves);
    return [value, unflatten<Args[K]>(flatten(tree).structure, gradients)];
  };
}

/** The gradient of a scalar function in argument `argnum`: {@link valueAndGrad} without the value. */
export function grad<const Args extends readonly unknown[], K extends number = 0>(
  f: ScalarFunction<Args>,
  argnum: K = 0 as K,
): (...args: Args) => Args[K] {
  const both = valueAndGrad(f, argnum);
  return (...args) => both(...args)[1];
}

/** The leaves of a tree that must have the shapes of `like`. @throws ShapeError naming the first leaf that has not */
function leavesLike(like: readonly Tensor[], tree: unknown, what: string, owner: string): Tensor[] {
  const { leaves } = flatten<Tensor>(tree);
  for (let i = 0; i < Math.max(like.length, leaves.length); i++) {
    const [want, got] = [like[i], leaves[i]].map((leaf) => (leaf === undefined ? 'missing' : formatShape(leaf.shape)));
    if (want !== got)
      throw new ShapeError(
        `${what} must have the ${owner}'s shapes; leaf ${i} of the ${owner} is ${want}, of the ${what.slice(what.lastIndexOf(' ') + 1)} ${got}.`,
      );
  }
  return leaves;
}

/**
 * The vector-Jacobian product of `f` at `x`.
 *
 * @returns f(x) and a function from a cotangent (a tree like f(x)) to the cotangent of x.
 */
export function vjp<X, Y>(f: (x: X) => Y, x: X): [Y, (cotangent: Y) => X] {
  const { leaves, tree } = marked(x);
  const y = f(tree as X);
  const outputs = flatten<Tensor>(y).leaves;
  return [
    y,
    (cotangent) =>
      unflatten<X>(
        flatten(x).structure,
        pullback(outputs, leavesLike(outputs, cotangent, 'vjp: the cotangent', 'result'), leaves),
      ),
  ];
}

/**
 * The Jacobian-vector product of `f` at `x` along `tangent`: forward-mode differentiation.
 *
 * Since a VJP u ↦ uᵀJ is linear and itself made of primitives, J·v is its derivative in u; no second rule table is needed, and
 * u, in which the result is constant, disappears from the graph.
 *
 * @returns `[f(x), J(x)·tangent]`.
 */
export function jvp<X, Y>(f: (x: X) => Y, x: X, tangent: X): [Y, Y] {
  const [y, transpose] = vjp(f, x);
  const { leaves: outputs, structure } = flatten<Tensor>(y);
  const tangents = leavesLike(flatten<Tensor>(x).leaves, tangent, 'jvp: the tangent', 'argument');
  const dummies = outputs.map((output, i) => placeholder(`cotangent ${i}`, output));
  const pulled = flatten<Tensor>(transpose(unflatten<Y>(structure, dummies))).leaves;
  const columns = pullback(pulled, tangents, dummies);
  return [y, unflatten<Y>(structure, columns)];
}

/** `x` with derivative zero: a tensor, or every tensor of a tree. */
export function stopGradient<T>(x: T): T {
  return mapTree<Tensor, Tensor, T>((leaf) => apply('stopGradient', [leaf], {}), x);
}
