/** An explicit Runge-Kutta method: kᵢ = f(t + cᵢh, x + h Σⱼ aᵢⱼkⱼ), x₁ = x + h Σ bᵢkᵢ. */
export interface Tableau {
  /** As messages call it. */
  readonly title: string;
  /** Order p of x₁: the error of a whole solution falls as hᵖ. */
  readonly order: number;
  readonly c: readonly number[];
  /** Row i has i entries. */
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  /** b − b̂ of the embedded method; without it the error is estimated by two half steps. */
  readonly embedded?: { readonly weights: readonly number[]; readonly order: number };
  /** The last stage is f(t + h, x₁), so the next step has its first for nothing. */
  readonly firstSameAsLast: boolean;
  /** Weights dᵢ of the fourth-order term of dense output, on top of the cubic through both ends. */
  readonly dense?: readonly number[];
}

/** The name of a method, as configurations choose it. */
export type SolverName = 'euler' | 'heun' | 'rk4' | 'bosh3' | 'dopri5';

const EULER: Tableau = { title: 'Euler', order: 1, c: [0], a: [[]], b: [1], firstSameAsLast: false };

const HEUN: Tableau = {
  title: 'Heun 2(1)',
  order: 2,
  c: [0, 1],
  a: [[], [1]],
  b: [1 / 2, 1 / 2],
  embedded: { weights: [-1 / 2, 1 / 2], order: 1 },
  firstSameAsLast: false,
};

const RK4: Tableau = {
  title: 'classical Runge-Kutta 4',
  order: 4,
  c: [0, 1 / 2, 1 / 2, 1],
  a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  b: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
  firstSameAsLast: false,
};

/** Bogacki and Shampine, "A 3(2) pair of Runge-Kutta formulas", 1989. */
const BOSH3: Tableau = {
  title: 'Bogacki-Shampine 3(2)',
  order: 3,
  c: [0, 1 / 2, 3 / 4, 1],
  a: [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]],
  b: [2 / 9, 1 / 3, 4 / 9, 0],
  embedded: { weights: [2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8], order: 2 },
  firstSameAsLast: true,
};

/** Dormand and Prince 1980; dense output of Hairer, Nørsett and Wanner, "Solving ordinary differential equations I", II.6. */
const DOPRI5: Tableau = {
  title: 'Dormand-Prince 5(4)',
  order: 5,
  c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  a: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  b: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
  embedded: { weights: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40], order: 4 },
  firstSameAsLast: true,
  dense: [
    -12715105075 / 11282082432,
    0,
    87487479700 / 32700410799,
    -10690763975 / 1880347072,
    701980252875 / 199316789632,
    -1453857185 / 822651844,
    69997945 / 29380423,
  ],
};

/** The methods by name. */
export const SOLVERS: Readonly<Record<SolverName, Tableau>> = {
  euler: EULER,
  heun: HEUN,
  rk4: RK4,
  bosh3: BOSH3,
  dopri5: DOPRI5,
};
