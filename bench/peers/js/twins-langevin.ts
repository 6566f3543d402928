import type { NDArray } from '@brownian/graph';
import { seeded } from '../../data.ts';
import type { Ops } from './ops.ts';
import { type Given, type Names, type Settings, type Twin, array, namesOf, number, parameter, under } from './twin.ts';

/** F of θ·F: convolutions (stride 2 unless said) and dense layers by the shapes of their weights, an activation after each. */
export function features<T>(
  ops: Ops<T>,
  params: ReadonlyMap<string, NDArray>,
  names: Names,
): (values: readonly T[], x: T) => T {
  const layers = names.list
    .filter((name) => name.endsWith('.w'))
    .map((name) => ({ w: name, b: name.replace(/w$/, 'b'), shape: array(params, name).shape }));
  return (values, x) =>
    layers.reduce((h, { w, b, shape }) => {
      const [weights, bias] = [names.get(values, w), names.get(values, b)];
      const kernel = shape[2];
      if (kernel === undefined) {
        const product = ops.shape(h).length === 4 ? ops.denseOfImages(h, weights) : ops.matmul(h, weights);
        return ops.silu(ops.add(product, bias));
      }
      return ops.silu(ops.add(ops.conv2d(h, weights, 2, Math.floor((kernel - 1) / 2)), ops.perChannel(bias)));
    }, x);
}

/** Axes of x but the batch. */
export function itemAxes<T>(ops: Ops<T>, x: T): number[] {
  return ops
    .shape(x)
    .map((_, i) => i)
    .slice(1);
}

/** A Langevin step of points on an MLP potential. */
export function pointLangevin<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  const params = under(given, 'params');
  const names = namesOf(params);
  const responses = features(ops, params, names);
  const held = [...params.values()].map((value) => parameter(ops, value));
  const [h, repeats] = [number(settings, 'step'), number(settings, 'repeats')];
  const move = ops.compile(([x, noise, ...values]) => {
    const force = ops.grad((at) => ops.sum(ops.mul(responses(values, at), names.get(values, 'theta'))))(x as T);
    return [ops.add(ops.add(x as T, ops.mul(force, (h * h) / 2)), ops.mul(noise as T, h))];
  });
  const draw = seeded('twin');
  let x = ops.input(array(given, 'x'));
  const advance = (noise: NDArray): void => {
    const xi = ops.input(noise);
    const [next] = move([x, xi, ...held]) as [T];
    ops.dispose([x, xi]);
    x = next;
  };
  return {
    step: async () => {
      for (let i = 0; i < repeats; i++) advance(draw.normal(array(given, 'x').shape));
      await ops.output(x);
    },
    check: async (draws) => {
      draws.forEach(advance);
      return { x: await ops.output(x) };
    },
  };
}

/** The VGG trunk's Langevin step. */
export function vggLangevin<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  const filters = under(given, 'features');
  const names = namesOf(filters);
  const held = [...filters.values()].map((value) => parameter(ops, value));
  const theta = parameter(ops, array(given, 'theta'));
  const [h, sigma] = [number(settings, 'step'), number(settings, 'sigma')];
  const layers = names.list.filter((name) => name.endsWith('.w'));
  const potential = (values: readonly T[], weights: T, x: T): T => {
    const last = layers.reduce((input, name, i) => {
      const y = ops.conv2d(input, names.get(values, name), 1, 1);
      const active = ops.relu(ops.add(y, ops.perChannel(names.get(values, name.replace(/w$/, 'b')))));
      return i === 1 ? ops.maxPool(active) : active;
    }, x);
    return ops.sum(ops.mul(last, weights));
  };
  const move = ops.compile(([x, noise, weights, ...values]) => {
    const force = ops.grad((at) => potential(values, weights as T, at))(x as T);
    const pull = ops.sub(force, ops.mul(x as T, 1 / sigma ** 2));
    return [ops.add(ops.add(x as T, ops.mul(pull, (h * h) / 2)), ops.mul(noise as T, h)), force];
  });
  const noise = ops.input(array(given, 'noise'), 'image');
  let x = ops.input(array(given, 'x'), 'image');
  const advance = (): T => {
    const [next, force] = move([x, noise, theta, ...held]) as [T, T];
    ops.dispose([x]);
    x = next;
    return force;
  };
  return {
    step: async () => {
      ops.dispose([advance()]);
      await ops.output(x);
    },
    check: async () => ({ force: await ops.output(advance(), 'image'), x: await ops.output(x, 'image') }),
  };
}
