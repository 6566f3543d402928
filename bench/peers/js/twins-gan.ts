import { type NDArray, ndarray } from '@brownian/graph';
import { seeded } from '../../data.ts';
import { type Ops, mean, square } from './ops.ts';
import {
  type Given,
  type Names,
  type Settings,
  type Twin,
  array,
  namesOf,
  number,
  parameter,
  trainingTwin,
  under,
} from './twin.ts';

const EPSILON = 1e-5;

/** Batch normalisation in training mode where layer i has it. */
function normalised<T>(ops: Ops<T>, x: T, values: readonly T[], names: Names, i: number): T {
  if (!names.has(`${i}.norm.scale`)) return x;
  const centred = ops.sub(x, ops.perChannel(mean(ops, x, ops.notChannels)));
  const variance = mean(ops, square(ops, centred), ops.notChannels);
  const gain = ops.div(names.get(values, `${i}.norm.scale`), ops.sqrt(ops.add(variance, EPSILON)));
  return ops.add(ops.mul(centred, ops.perChannel(gain)), ops.perChannel(names.get(values, `${i}.norm.shift`)));
}

function layerCount(names: Names): number {
  return names.list.filter((name) => name.endsWith('.w')).length;
}

function discriminator<T>(ops: Ops<T>, names: Names, values: readonly T[], x: T): T {
  const last = layerCount(names) - 1;
  let h = x;
  for (let i = 0; i < last; i++)
    h = ops.leakyRelu(normalised(ops, ops.conv2d(h, names.get(values, `${i}.w`), 2, 1), values, names, i));
  return ops.flatten(ops.conv2d(h, names.get(values, `${last}.w`), 1, 0));
}

function generator<T>(ops: Ops<T>, names: Names, values: readonly T[], z: T): T {
  const last = layerCount(names) - 1;
  let h = z;
  for (let i = 0; i <= last; i++) {
    const y = normalised(
      ops,
      ops.convTranspose2d(h, names.get(values, `${i}.w`), i === 0 ? 1 : 2, i === 0 ? 0 : 1),
      values,
      names,
      i,
    );
    h = i < last ? ops.relu(y) : ops.tanh(y);
  }
  return h;
}

/** ‖aᵢ − bⱼ‖². */
function squaredDistances<T>(ops: Ops<T>, a: T, b: T): T {
  const [[n, d], [m]] = [ops.shape(a) as readonly [number, number], ops.shape(b) as readonly [number]];
  const difference = ops.sub(ops.reshape(ops.transpose(a), [d, n, 1]), ops.reshape(ops.transpose(b), [d, 1, m]));
  return ops.sum(square(ops, difference), [0]);
}

/** The capped kernel of METHODS section 3 times m^(d−1). The cap is the far part's tangent, so near(min) + far(max) − 1 is both. */
function kernel<T>(ops: Ops<T>, r2: T, cutoff: number, dimension: number): T {
  const m2 = cutoff * cutoff;
  const slope = (dimension - 1) / 2;
  const near = ops.add(ops.mul(ops.minimum(r2, m2), -slope / m2), slope + 1);
  const outside = ops.maximum(r2, m2);
  const far = ops.div(
    ops.input(ndarray(dimension === 3 ? m2 : cutoff, [])),
    dimension === 3 ? outside : ops.sqrt(outside),
  );
  return ops.add(ops.add(near, far), -1);
}

function generatorLoss<T>(ops: Ops<T>, fake: T, real: T, settings: Settings): T {
  const [cutoff, dimension] = [number(settings, 'cutoff'), number(settings, 'kernelDimension')];
  const among = mean(ops, kernel(ops, squaredDistances(ops, fake, fake), cutoff, dimension));
  return ops.sub(among, ops.mul(mean(ops, kernel(ops, squaredDistances(ops, fake, real), cutoff, dimension)), 2));
}

/** What both halves of an EIEG GAN step share: one network learns, the other is held. */
function eieg<T>(
  ops: Ops<T>,
  given: Given,
  settings: Settings,
  other: 'generator' | 'discriminator',
  lossOf: (params: Names, held: Names) => (values: readonly T[], batch: readonly T[]) => T,
): Twin {
  const [params, held] = [under(given, 'params'), under(given, `batch.${other}`)];
  const real = ops.input(array(given, 'batch.real'), 'image');
  const z = array(given, 'batch.z');
  const fixed = [real, ...[...held.values()].map((value) => parameter(ops, value))];
  const latents = (values: NDArray): T => ops.input({ ...values, shape: [...values.shape, 1, 1] }, 'image');
  const draw = seeded('twin');
  return trainingTwin(ops, {
    params,
    settings,
    loss: lossOf(namesOf(params), namesOf(held)),
    batch: () => ({ held: fixed, fresh: [latents(draw.normal(z.shape))] }),
    first: () => [...fixed, latents(z)],
  });
}

/** EIEG GAN's discriminator step. */
export function eiegDiscriminator<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  return eieg(ops, given, settings, 'generator', (names, heldNames) => (values, batch) => {
    const [real, ...rest] = batch as [T, ...T[]];
    const fake = generator(ops, heldNames, rest.slice(0, -1), rest.at(-1) as T);
    const [onReal, onFake] = [discriminator(ops, names, values, real), discriminator(ops, names, values, fake)];
    const [n, m] = [ops.shape(onReal)[0] as number, ops.shape(onFake)[0] as number];
    const features = ops.concat([onReal, onFake]);
    const r2 = squaredDistances(ops, features, features);
    const signs = [...Array<number>(n).fill(1 / n), ...Array<number>(m).fill(-1 / m)];
    const products = ops.input(
      ndarray(
        signs.flatMap((a) => signs.map((b) => a * b)),
        [n + m, n + m],
      ),
    );
    const dimension = number(settings, 'kernelDimension');
    const energy = ops.sum(ops.mul(kernel(ops, r2, number(settings, 'cutoff'), dimension), products));
    return ops.sub(mean(ops, kernel(ops, r2, number(settings, 'stabiliser'), dimension)), energy);
  });
}

/** EIEG GAN's generator step. */
export function eiegGenerator<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  return eieg(ops, given, settings, 'discriminator', (names, heldNames) => (values, batch) => {
    const [real, ...rest] = batch as [T, ...T[]];
    const held = rest.slice(0, -1);
    const fake = discriminator(ops, heldNames, held, generator(ops, names, values, rest.at(-1) as T));
    return generatorLoss(ops, fake, discriminator(ops, heldNames, held, real), settings);
  });
}

/** The plain DCGAN discriminator step on real images. */
export function dcganDiscriminator<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  const params = under(given, 'params');
  const names = namesOf(params);
  const held = [ops.input(array(given, 'batch.real'), 'image')];
  const loss = (values: readonly T[], [real]: readonly T[]): T =>
    mean(ops, ops.softplus(ops.mul(discriminator(ops, names, values, real as T), -1)));
  return trainingTwin(ops, { params, settings, loss, batch: () => ({ held, fresh: [] }), first: () => held });
}

/** The plain EIEG generator on points. */
export function mlpGenerator<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  const params = under(given, 'params');
  const names = namesOf(params);
  const layers = names.list.filter((name) => name.endsWith('.w'));
  const z = array(given, 'batch.z');
  const held = [ops.input(array(given, 'batch.real'))];
  const draw = seeded('twin');
  const loss = (values: readonly T[], [real, latents]: readonly T[]): T => {
    const points = layers.reduce((h, name, i) => {
      const y = ops.add(ops.matmul(h, names.get(values, name)), names.get(values, name.replace(/w$/, 'b')));
      return i + 1 < layers.length ? ops.leakyRelu(y) : y;
    }, latents as T);
    return generatorLoss(ops, points, real as T, settings);
  };
  const batch = () => ({ held, fresh: [ops.input(draw.normal(z.shape))] });
  return trainingTwin(ops, { params, settings, loss, batch, first: () => [...held, ops.input(z)] });
}
