import type { RunConfigOf } from '../../config/run-config.ts';
import { type ReportFacts, dataTitle, itemNoun } from '../facts.ts';
import { type Markup, html, raw } from '../html.ts';

const SOLVERS = {
  euler: 'Euler’s method',
  heun: 'Heun’s method',
  rk4: 'the classical Runge-Kutta method',
  bosh3: 'Bogacki and Shampine’s method',
  dopri5: 'Dormand and Prince’s method',
} as const;

/** What variational models are, and what one sees of them. */
export function explainVariational({ run }: ReportFacts, config: RunConfigOf<'variational'>): Markup {
  const { path, sampling, preview, potential, flow } = config;
  const noun = itemNoun(run);
  const one = noun === 'images' ? 'an image' : 'a point';
  const beyond = sampling.tEnd > 1 ? `, and on to ${sampling.tEnd}, which sharpens them` : '';
  return html`<div class="text">
    <p>
      The model is a single function, the <b>potential</b> Φ: a neural network that gives ${one} one number. Samples
      begin as Gaussian noise (standard deviation ${path.priorStd}) and flow uphill on Φ, each along its own smooth
      curve, until they look like ${dataTitle(run)}:
    </p>
    ${raw(`<p class="formula">dx/ds = ∇Φ(x${potential.clock ? ', s' : ''})&emsp;from s = 0 to s = ${sampling.tEnd}</p>`)}
    <p>
      While it learns nothing is sampled. Each of ${config.batchSize} ${noun} of a batch is blurred with noise, from
      nothing but noise (s = 0) to almost none (s = 1, standard deviation ${path.dataStd}), and Φ is changed so that its
      slope moves that cloud of ${noun} just as the blur fades. This is a Poisson equation of probability, and its error
      is the <b>loss</b>${flow.estimator === 'stein' ? ', here without the terms that only add chance' : ''}: unlike the
      loss of models that play against their own samples it falls as the model gets better. (It is negative: a constant
      is left out.)
    </p>
    <p>
      The film shows ${preview.particles} particles that start from the same noise again and again and follow Φ as it is
      at the time, one step per iteration, ${preview.steps} steps to arrive. Final samples are drawn more exactly, by
      ${SOLVERS[sampling.solver]} up to s = 1${beyond}.
    </p>
  </div>`;
}

/** How the samples of a run were drawn. */
export function drawnByFlow({ sampling: { solver, rtol, stepSize, tEnd } }: RunConfigOf<'variational'>): string {
  const precision = stepSize === null ? `to a relative tolerance of ${rtol}` : `in steps of ${stepSize}`;
  return `each by solving the flow’s equation from noise up to s = ${tEnd} (${SOLVERS[solver]}, ${precision})`;
}
