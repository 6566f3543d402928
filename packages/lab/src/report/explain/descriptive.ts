import type { RunConfigOf } from '../../config/run-config.ts';
import { type ReportFacts, dataTitle, itemNoun } from '../facts.ts';
import { type Markup, html, raw } from '../html.ts';

const STARTS = { zero: 'as a flat grey', noise: 'as faint noise', uniform: 'as pure noise' } as const;
const POINT_STARTS = { zero: 'at the origin', noise: 'around the origin', uniform: 'anywhere in a square' } as const;

/** The update of a particle, with the terms this run uses. */
export function langevinFormula({ langevin }: RunConfigOf<'descriptive' | 'generalized'>): Markup {
  const pull = langevin.reference ? ' − <i>x</i>/σ²' : '';
  const drift = pull === '' ? '∇Φ(<i>x</i>)' : `(∇Φ(<i>x</i>)${pull})`;
  const scale = langevin.temperature === 1 ? '' : `${Number(Math.sqrt(langevin.temperature).toPrecision(2))} `;
  const noise = langevin.temperature === 0 ? '' : ` + ${scale}<i>h</i> ξ`;
  return raw(`<p class="formula">x ← x + <span>½</span> <i>h</i>² ${drift}${noise}</p>`);
}

/** How samples of these models are drawn, as a clause. */
export function drawnByLangevin({ sampling }: RunConfigOf<'descriptive'>): string {
  const steps = `${sampling.steps} ${sampling.steps === 1 ? 'step' : 'steps'}`;
  return sampling.from === 'start' ? `each from its own start in ${steps}` : `by ${steps} more of its own chains`;
}

/** Explains a potential that particles climb. */
export function explainDescriptive({ run }: ReportFacts, config: RunConfigOf<'descriptive'>): Markup {
  const { langevin, flow, chains } = config;
  const noun = itemNoun(run);
  const one = noun === 'images' ? 'an image' : 'a point';
  const start = noun === 'images' ? STARTS[chains.start] : POINT_STARTS[chains.start];
  const step = Number((langevin.delta * langevin.sigma).toPrecision(3));
  const noise = langevin.temperature === 0 ? '' : ', and ξ fresh Gaussian noise';
  const pull = langevin.reference
    ? `, σ = ${langevin.sigma} the width of the Gaussian they would settle in without Φ`
    : '';
  const fresh = chains.fresh === 0 ? '' : ` (${Number((100 * chains.fresh).toPrecision(2))} % begin anew)`;
  return html`<div class="text">
    <p>
      Nothing here was drawn by a generator network. The model is a single function, the <b>potential</b> Φ: a neural
      network that gives ${one} one number, higher the more it looks like ${dataTitle(run)}. To make ${noun},
      <b>particles</b> begin ${start} and climb Φ in many small${langevin.temperature === 0 ? '' : ', noisy'} steps,
      which is called Langevin dynamics:
    </p>
    ${langevinFormula(config)}
    <p>
      Here <i>h</i> = ${step} is the length of a step${pull}${noise}. In every iteration ${chains.particles} particles
      go on from where an earlier one left them${fresh} and take ${langevin.steps} such steps. Then Φ is corrected: it
      is raised at ${config.batchSize} real ${noun} and lowered at the particles, so that the next climb ends nearer to
      the data. When the two can no longer be told apart, the particles are samples.
    </p>
    ${
      flow.beta > 0
        ? html`<p>
            This run also charges Φ for moving particles fast (weight β = ${flow.beta}), as a Wasserstein, or JKO, step
            of the density does. That keeps Φ from growing steep and training from falling apart.
          </p>`
        : null
    }
  </div>`;
}
