/** Makes the update of one tensor of `size` values: parameters, gradient and rate to the next parameters. */
export type ReferenceRule = (size: number) => (p: readonly number[], g: readonly number[], rate: number) => number[];

interface Moments {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** m̂/(√v̂ + ε) with powers of β, as Algorithm 1 of Kingma and Ba (2015) prints it. */
function adamDirection({ beta1, beta2, epsilon }: Moments): (size: number) => (g: readonly number[]) => number[] {
  return (size) => {
    const [m, v] = [new Float64Array(size), new Float64Array(size)];
    let t = 0;
    return (g) => {
      t += 1;
      return g.map((value, i) => {
        const mean = beta1 * (m[i] as number) + (1 - beta1) * value;
        const square = beta2 * (v[i] as number) + (1 - beta2) * value * value;
        [m[i], v[i]] = [mean, square];
        return mean / (1 - beta1 ** t) / (Math.sqrt(square / (1 - beta2 ** t)) + epsilon);
      });
    };
  };
}

/** The optimizers in plain arithmetic, written from the papers and not from the code under test. */
export const REFERENCE_RULES = {
  sgd:
    ({ momentum }: { readonly momentum: number }): ReferenceRule =>
    (size) => {
      const velocity = new Float64Array(size);
      return (p, g, rate) =>
        p.map((value, i) => {
          const next = momentum * (velocity[i] as number) + (g[i] as number);
          velocity[i] = next;
          return value - rate * next;
        });
    },
  adam:
    (options: Moments): ReferenceRule =>
    (size) => {
      const direction = adamDirection(options)(size);
      return (p, g, rate) => {
        const d = direction(g);
        return p.map((value, i) => value - rate * (d[i] as number));
      };
    },
  /** Algorithm 2 of You et al. (2020) with φ the identity and no weight decay. */
  lamb:
    (options: Moments): ReferenceRule =>
    (size) => {
      const direction = adamDirection(options)(size);
      return (p, g, rate) => {
        const d = direction(g);
        const [weight, step] = [Math.hypot(...p), Math.hypot(...d)];
        const ratio = weight === 0 || step === 0 ? 1 : weight / step;
        return p.map((value, i) => value - rate * ratio * (d[i] as number));
      };
    },
} as const;
