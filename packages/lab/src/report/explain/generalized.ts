import type { RunConfigOf } from '../../config/run-config.ts';
import { type ReportFacts, dataTitle, itemNoun } from '../facts.ts';
import { type Markup, html } from '../html.ts';
import { langevinFormula } from './descriptive.ts';

function count(n: number, one: string): string {
  return n === 1 ? `one ${one}` : `${n} ${one}s`;
}

function hiddenText({ hidden }: RunConfigOf<'generalized'>, noun: string): string {
  if (hidden.learned)
    return `One is kept for every one of the real ${noun} and learned with the generator (the learned hidden space)`;
  return {
    normal: 'They are drawn from a normal distribution',
    thumbnails: `They are small copies of real ${noun}`,
    masked: `They are real ${noun} of which a random mask (a rectangle, spots, or both) left a part, and the mask; the generator completes them, and what is known stays as it is`,
  }[hidden.start];
}

/** Explains a potential and the generator that its particles begin at. */
export function explainGeneralized({ run }: ReportFacts, config: RunConfigOf<'generalized'>): Markup {
  const { langevin, flow, upsampling, hidden, potential, chains } = config;
  const noun = itemNoun(run);
  const step = Number((langevin.delta * langevin.sigma).toPrecision(3));
  const turn = upsampling.every === 1 ? 'In every iteration' : `Every ${upsampling.every} iterations`;
  const lesson =
    upsampling.learning === 'amortised'
      ? 'learns to put them where Φ is high to begin with, so that a single step is enough (amortised sampling)'
      : 'learns to make what the particles became, so that next time they begin nearer to the data';
  const originals = upsampling.originalWeight > 0 ? ', and to come near the images that were masked' : '';
  return html`<div class="text">
    <p>
      Two networks learn here. The <b>synthesizer</b> is a potential Φ: one number for
      ${noun === 'images' ? 'an image' : 'a point'}, higher the more it looks like ${dataTitle(run)}. The
      <b>generator</b> turns a latent, a list of ${hidden.dim} numbers, into a first
      draft${potential.classes > 0 ? ', for a label that both networks see' : ''}. ${hiddenText(config, noun)}. From
      each draft a <b>particle</b> climbs Φ in ${count(langevin.steps, 'step')} of Langevin dynamics:
    </p>
    ${langevinFormula(config)}
    <p>
      Here <i>h</i> = ${step} is the length of a step.
      ${chains.fresh < 1 ? `Of the particles, ${Number((100 * (1 - chains.fresh)).toPrecision(2))} % go on from where an earlier iteration left them.` : ''}
      Then Φ is corrected: it is raised at ${config.batchSize} real ${noun} and lowered at the particles. ${turn} the
      generator ${lesson}${originals}.
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

/** How samples were drawn. */
export function drawnByGenerator({ sampling, hidden }: RunConfigOf<'generalized'>): string {
  const latent = {
    start: {
      normal: 'a random latent',
      thumbnails: 'a small copy of real data',
      masked: 'a part of a real image that training saw',
    }[hidden.start],
    rows: 'a learned latent',
  };
  const steps = sampling.steps === 0 ? '' : ` and ${count(sampling.steps, 'step')} of Langevin dynamics`;
  return `each from ${latent[hidden.sampling]} by the generator${steps}`;
}
