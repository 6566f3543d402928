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

/** Where particles come from in an iteration, as a clause after their number. */
function origin({ chains, grids }: RunConfigOf<'descriptive'>): string {
  if (grids.sizes.length > 0) return 'begin anew on the coarsest grid, and on each grid';
  const fresh = chains.fresh === 0 ? '' : ` (${Number((100 * chains.fresh).toPrecision(2))} % begin anew)`;
  return `go on from where an earlier one left them${fresh} and`;
}

/** What several grids add to it. */
function gridsText({ grids }: RunConfigOf<'descriptive'>): Markup | null {
  const { sizes } = grids;
  if (sizes.length === 0) return null;
  const list = `${sizes.slice(0, -1).join(', ')}${sizes.length > 1 ? ' and ' : ''}${sizes.at(-1)}`;
  return html`<p>
    There is such a Φ on each of ${sizes.length} grids, of ${list} pixels. On the coarsest a particle begins as one mean
    colour of the data${grids.startNoise > 0 ? ', with noise' : ''}; where it ends it is scaled up, and begins there on
    the next grid, which adds the detail. Each Φ learns from the data at its own size.
  </p>`;
}

/** Explains a potential that particles climb. */
export function explainDescriptive({ run }: ReportFacts, config: RunConfigOf<'descriptive'>): Markup {
  const { langevin, flow, chains } = config;
  const noun = itemNoun(run);
  const one = noun === 'images' ? 'an image' : 'a point';
  const single = noun === 'images' ? STARTS[chains.start] : POINT_STARTS[chains.start];
  const start = config.grids.sizes.length > 0 ? 'as a patch of one colour' : single;
  const step = Number((langevin.delta * langevin.sigma).toPrecision(3));
  const noise = langevin.temperature === 0 ? '' : ', and ξ fresh Gaussian noise';
  const pull = langevin.reference
    ? `, σ = ${langevin.sigma} the width of the Gaussian they would settle in without Φ`
    : '';
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
      ${origin(config)} take ${langevin.steps} such steps. Then Φ is corrected: it is raised at ${config.batchSize} real
      ${noun} and lowered at the particles, so that the next climb ends nearer to the data. When the two can no longer
      be told apart, the particles are samples.
    </p>
    ${gridsText(config)}
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
