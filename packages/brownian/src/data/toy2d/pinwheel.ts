import { type ToyDistribution, drawNoise, pointsOf } from './distribution.ts';

const ARMS = 5;
const RADIAL_STD = 0.3;
const TANGENTIAL_STD = 0.1;
const TWIST = 0.25;

/**
 * Five arms, each a Gaussian (1 + .3 ε₁, .1 ε₂) turned about 0 by 2πk/5 + ¼ exp(1 + .3 ε₁), k = 0..4: the further out,
 * the further turned.
 *
 * Source: Johnson, Duvenaud, Wiltschko, Datta and Adams, "Composing graphical models with neural networks", NeurIPS
 * 2016.
 */
export const PINWHEEL: ToyDistribution = {
  name: 'pinwheel',
  sample: (stream, n) => {
    const { component, noise } = drawNoise(stream, n, ARMS);
    return pointsOf(n, (i) => {
      const along = 1 + RADIAL_STD * (noise[2 * i] as number);
      const across = TANGENTIAL_STD * (noise[2 * i + 1] as number);
      const angle = (2 * Math.PI * (component[i] as number)) / ARMS + TWIST * Math.exp(along);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return [along * cos - across * sin, along * sin + across * cos];
    });
  },
};
