import { type Shape, concat, constant, conv2d, formatShape, ndarray, relu } from '@brownian/graph';
import type { Net } from './net.ts';

/** Options of {@link gaborBank}, in pixels. */
export interface GaborOptions {
  /** Wavelengths of the Gabor filters. Default 4 and 8. */
  readonly wavelengths?: readonly number[];
  /** Orientations, evenly spaced over half a turn. Default 6. */
  readonly orientations?: number;
  /** Standard deviations of the inner Gaussian of the difference-of-Gaussian filters; the outer is 1.6 times wider. Default 1 and 2. */
  readonly spots?: readonly number[];
}

/** Samples f on a square grid centred at zero, less its mean, scaled to unit Euclidean norm. */
function filterOf(radius: number, f: (y: number, x: number) => number): Float64Array {
  const size = 2 * radius + 1;
  const values = Float64Array.from({ length: size * size }, (_, i) =>
    f(Math.floor(i / size) - radius, (i % size) - radius),
  );
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const centred = values.map((v) => v - mean);
  const norm = Math.hypot(...centred);
  return centred.map((v) => v / norm);
}

function gaussian(y: number, x: number, std: number): number {
  return Math.exp(-(x * x + y * y) / (2 * std * std)) / (2 * Math.PI * std * std);
}

/** Even and odd Gabor filters at every orientation, for one wavelength. */
function gaborFilters(wavelength: number, orientations: number): Float64Array[] {
  const std = 0.5 * wavelength;
  const radius = Math.ceil(1.25 * wavelength) - 1;
  return Array.from({ length: 2 * orientations }, (_, i) => {
    const angle = (Math.PI * Math.floor(i / 2)) / orientations;
    const wave = i % 2 === 0 ? Math.cos : Math.sin;
    return filterOf(
      radius,
      (y, x) => gaussian(y, x, std) * wave((2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / wavelength),
    );
  });
}

function spotFilter(std: number): Float64Array {
  return filterOf(Math.ceil(3 * std), (y, x) => gaussian(y, x, std) - gaussian(y, x, 1.6 * std));
}

/** Filters of one size as convolution weights over the mean of the channels, `[filters, channels, size, size]`. */
function weights(filters: readonly Float64Array[], channels: number): Float32Array {
  const [first] = filters as readonly [Float64Array];
  const out = new Float32Array(filters.length * channels * first.length);
  filters.forEach((filter, k) => {
    for (let c = 0; c < channels; c++)
      out.set(
        filter.map((v) => v / channels),
        (k * channels + c) * filter.length,
      );
  });
  return out;
}

/**
 * A fixed bank of Gabor and difference-of-Gaussian filters, the "F" of FRAME (Zhu, Wu and Mumford 1998): responses of both signs,
 * each rectified, `[n, channels, h, w] → [n, 2·filters, h, w]`. Needs no weights from outside.
 */
export function gaborBank({ wavelengths = [4, 8], orientations = 6, spots = [1, 2] }: GaborOptions = {}): (
  inputShape: Shape,
) => Net {
  const aliased = wavelengths.find((wavelength) => !(wavelength > 2));
  if (aliased !== undefined)
    throw new RangeError(
      `gaborBank: a wavelength is more than 2 pixels, got ${aliased}; pixels do not resolve shorter waves.`,
    );
  return (inputShape) => {
    if (inputShape.length !== 3)
      throw new RangeError(
        `gaborBank: inputs must be images [channels, height, width], got ${formatShape(inputShape)}.`,
      );
    const [channels, h, w] = inputShape as readonly [number, number, number];
    const groups = [
      ...wavelengths.map((wavelength) => gaborFilters(wavelength, orientations)),
      ...spots.map((std) => [spotFilter(std)]),
    ];
    const filters = groups.map((group) => {
      const size = Math.sqrt((group[0] as Float64Array).length);
      return { padding: (size - 1) / 2, w: ndarray(weights(group, channels), [group.length, channels, size, size]) };
    });
    const count = groups.reduce((sum, group) => sum + group.length, 0);
    return {
      inputShape,
      outputShape: [2 * count, h, w],
      init: () => [],
      apply: (_, x) => {
        const responses = concat(
          filters.map((f) => conv2d(x, constant(f.w), { padding: f.padding })),
          1,
        );
        return concat([relu(responses), relu(responses.neg())], 1);
      },
    };
  };
}
