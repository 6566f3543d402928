import { type NDArray, float32Data } from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';

/** The stream everything in the benchmark is drawn from; `label` names the use. */
export function seeded(label: string): Stream {
  return createStream(20240501).split(label);
}

/** Values multiplied by a number. */
export function scaled(x: NDArray, factor: number): NDArray {
  return { ...x, data: float32Data(x).map((v) => v * factor) };
}

/** Smooth random images in (−1, 1), `[n, c, h, w]`: a few waves each, so that networks have something to see. */
export function images(shape: readonly [number, number, number, number], draw: Stream): NDArray {
  const [n, c, h, w] = shape;
  const waves = 4;
  const phases = float32Data(draw.uniform([n, c, waves, 3], -1, 1));
  const data = new Float32Array(n * c * h * w);
  for (let plane = 0; plane < n * c; plane++) {
    for (let wave = 0; wave < waves; wave++) {
      const [fy, fx, phase] = phases.subarray((plane * waves + wave) * 3) as unknown as [number, number, number];
      for (let i = 0; i < h * w; i++) {
        const turn = (fy * 4 * Math.floor(i / w)) / h + (fx * 4 * (i % w)) / w + phase;
        data[plane * h * w + i] = (data[plane * h * w + i] as number) + Math.sin(2 * Math.PI * turn) / waves;
      }
    }
  }
  return { dtype: 'float32', shape, data };
}

/** The twenty-five Gaussians of METHODS section 3: a 5 × 5 grid with spacing 1, standard deviation .05, `[n, 2]`. */
export function gaussianGrid(n: number, draw: Stream): NDArray {
  const centres = draw.integers([n, 2], -2, 3).data as Int32Array;
  return {
    dtype: 'float32',
    shape: [n, 2],
    data: float32Data(draw.normal([n, 2])).map((v, i) => v * 0.05 + (centres[i] as number)),
  };
}

/** A stream that keeps what was drawn from it, in order: what a peer needs to repeat a step. */
export function recording(stream: Stream): { stream: Stream; draws: NDArray[] } {
  const draws: NDArray[] = [];
  const keep = (array: NDArray): NDArray => {
    draws.push(array);
    return array;
  };
  return {
    draws,
    stream: {
      normal: (shape) => keep(stream.normal(shape)),
      uniform: (shape, low, high) => keep(stream.uniform(shape, low, high)),
      integers: (shape, low, high) => keep(stream.integers(shape, low, high)),
      permutation: (n) => keep(stream.permutation(n)),
      next: () => {
        const value = stream.next();
        keep({ dtype: 'float32', shape: [], data: Float32Array.of(value) });
        return value;
      },
      split: (label) => stream.split(label),
      state: () => stream.state(),
      restore: (state) => stream.restore(state),
    },
  };
}
