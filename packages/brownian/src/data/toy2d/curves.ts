import { type ToyDistribution, drawNoise, logSumExp, pointsOf } from './distribution.ts';

const MOON_STD = 0.1;

/**
 * Two interleaved half circles of radius 1 with Gaussian noise of std .1: (cos t, sin t) and (1 - cos t, ½ - sin t) for
 * t uniform on [0, π], both shifted by (-½, -¼) so that the mean is 0.
 *
 * Source: scikit-learn, `make_moons`.
 */
export const TWO_MOONS: ToyDistribution = {
  name: 'two-moons',
  sample: (stream, n) => {
    const { component, noise } = drawNoise(stream, n, 2);
    const angle = stream.uniform([n], 0, Math.PI).data;
    return pointsOf(n, (i) => {
      const t = Number(angle[i]);
      const sign = component[i] === 0 ? 1 : -1;
      const x = sign * (Math.cos(t) - 0.5);
      const y = sign * (Math.sin(t) - 0.25);
      return [x + MOON_STD * (noise[2 * i] as number), y + MOON_STD * (noise[2 * i + 1] as number)];
    });
  },
};

const RING_RADII = [0.5, 1, 1.5, 2] as const;
const RING_STD = 0.05;

/**
 * Four equal rings of radii .5, 1, 1.5 and 2 about 0: the angle is uniform and the radius normal with std .05, so
 * p(x) = (1/4) Σₖ N(|x|; rₖ, std²) / (2π |x|).
 */
export const RINGS: ToyDistribution = {
  name: 'rings',
  sample: (stream, n) => {
    const { component, noise } = drawNoise(stream, n, RING_RADII.length);
    const angle = stream.uniform([n], 0, 2 * Math.PI).data;
    return pointsOf(n, (i) => {
      const radius = (RING_RADII[component[i] as number] as number) + RING_STD * (noise[2 * i] as number);
      const t = Number(angle[i]);
      return [radius * Math.cos(t), radius * Math.sin(t)];
    });
  },
  logDensity: (x, y) => {
    const radius = Math.hypot(x, y);
    const logScale = -Math.log(RING_RADII.length * Math.sqrt(2 * Math.PI) * RING_STD * 2 * Math.PI * radius);
    return logScale + logSumExp(RING_RADII.map((ring) => -((radius - ring) ** 2) / (2 * RING_STD ** 2)));
  },
};

const ROLL_SCALE = 1 / 7;
const ROLL_STD = 0.05;

/**
 * A spiral (t cos t, t sin t) / 7 for t uniform on [3π/2, 9π/2], with Gaussian noise of std .05: radii from .67 to
 * 2.02.
 *
 * Source: the first and third coordinates of scikit-learn, `make_swiss_roll`, scaled.
 */
export const SWISS_ROLL: ToyDistribution = {
  name: 'swiss-roll',
  sample: (stream, n) => {
    const noise = stream.normal([n, 2]).data;
    const angle = stream.uniform([n], 1.5 * Math.PI, 4.5 * Math.PI).data;
    return pointsOf(n, (i) => {
      const t = Number(angle[i]);
      const radius = t * ROLL_SCALE;
      return [
        radius * Math.cos(t) + ROLL_STD * Number(noise[2 * i]),
        radius * Math.sin(t) + ROLL_STD * Number(noise[2 * i + 1]),
      ];
    });
  },
};
