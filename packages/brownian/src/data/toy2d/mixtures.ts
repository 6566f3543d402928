import { type ToyDistribution, drawNoise, logSumExp, pointsOf } from './distribution.ts';

type Centre = readonly [number, number];

/** p(x) = (1/K) Σₖ N(x; cₖ, std² I), with x and std in the same unit. */
function gaussianMixture(name: string, centres: readonly Centre[], std: number): ToyDistribution {
  const logScale = -Math.log(2 * Math.PI * std * std * centres.length);
  return {
    name,
    modes: { centres, std },
    sample: (stream, n) => {
      const { component, noise } = drawNoise(stream, n, centres.length);
      return pointsOf(n, (i) => {
        const [cx, cy] = centres[component[i] as number] as Centre;
        return [cx + std * (noise[2 * i] as number), cy + std * (noise[2 * i + 1] as number)];
      });
    },
    logDensity: (x, y) =>
      logScale + logSumExp(centres.map(([cx, cy]) => -((x - cx) ** 2 + (y - cy) ** 2) / (2 * std * std))),
  };
}

const OCTAGON = Array.from({ length: 8 }, (_, k): Centre => [Math.cos((k * Math.PI) / 4), Math.sin((k * Math.PI) / 4)]);

const GRID = Array.from({ length: 25 }, (_, k): Centre => [Math.floor(k / 5) - 2, (k % 5) - 2]);

/** Eight equal Gaussians of std .05 on the unit circle. */
export const EIGHT_GAUSSIANS: ToyDistribution = gaussianMixture('8-gaussians', OCTAGON, 0.05);

/** Twenty-five equal Gaussians of std .05 on the grid {-2, -1, 0, 1, 2}². */
export const TWENTY_FIVE_GAUSSIANS: ToyDistribution = gaussianMixture('25-gaussians', GRID, 0.05);
