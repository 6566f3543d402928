import type { AdversarialLossName } from 'brownian';
import type { RunConfigOf } from '../../config/run-config.ts';
import { type ReportFacts, dataTitle, itemNoun } from '../facts.ts';
import { type Markup, html, raw } from '../html.ts';

type Config = RunConfigOf<'adversarial'>;

/** What the networks want of each other, for people who have not met a model of its kind. */
const CONTESTS: Readonly<Record<AdversarialLossName, (config: Config, noun: string) => Markup>> = {
  elastic: ({ loss }, noun) =>
    html`<p>
        Every generated item is attracted by all ${noun} of the
        data${loss.selfInteraction ? html` and repelled by all other generated ones, like charges of two signs` : null}.
        The force falls off slowly, so that far ${noun} are felt as well, and within a distance of ${loss.cutoff} it
        fades. The generator is changed so that its items move along these forces.
        ${
          loss.selfInteraction
            ? html`When generated items are spread as the data are, attraction and repulsion cancel everywhere, and
              nothing moves any more. The repulsion is what keeps them from heaping up on a few ${noun}.`
            : html`The repulsion that keeps generated items apart was left out of this run, so they heap up.`
        }
      </p>
      ${raw(
        `<p class="formula">L = ${loss.selfInteraction ? 'mean e(<i>g</i>, <i>g′</i>) − ' : '− '}2 mean e(<i>g</i>, <i>x</i>)</p>`,
      )}`,
  'elastic-gan': (config, noun) =>
    html`<p>
      In pixels, ${noun} that look alike can be far apart. So a second network, the <b>elastic discriminator</b>, turns
      each of them into ${config.discriminator.features} numbers, its <b>features</b>. There, generated ${noun} are
      attracted by real ones and repelled by each other, and the generator follows these forces. The discriminator works
      against it: it changes the features so that the two kinds lie as far apart as possible, which shows the generator
      what it still does wrong.
      ${
        config.loss.stabiliserWeight > 0
          ? html`A short-range repulsion among all features, the stabiliser, keeps them from collapsing into points.`
          : html`The stabiliser, which keeps features from collapsing into points, was left out of this run.`
      }
    </p>`,
  logistic: (_, noun) =>
    html`<p>
      A second network, the <b>discriminator</b>, learns to give real ${noun} high scores and generated ones low scores;
      the generator learns to make ${noun} that it scores high.
    </p>`,
  wasserstein: ({ loss }, noun) =>
    html`<p>
      A second network, the <b>critic</b>, scores ${noun} so that real and generated ones lie as far apart as it can
      bring them with weights of at most ${loss.clip}; the gap estimates how far the generated ${noun} would have to be
      carried to become the data (the Wasserstein distance). The generator makes the gap smaller.
    </p>`,
  'wasserstein-gp': ({ loss }, noun) =>
    html`<p>
      A second network, the <b>critic</b>, scores ${noun} so that real and generated ones lie as far apart as it can
      bring them with slopes near 1, which a penalty of weight ${loss.penalty} enforces; the gap estimates how far the
      generated ${noun} would have to be carried to become the data (the Wasserstein distance). The generator makes the
      gap smaller.
    </p>`,
  mmd: ({ discriminator, loss }, noun) =>
    html`<p>
      A second network turns ${noun} into ${discriminator.features} numbers, their features. The two kinds are compared
      there by Gaussian bumps of widths ${loss.bandwidths.join(', ')} around every one of them (the maximum mean
      discrepancy): the second network makes the difference larger, the generator makes it smaller.
    </p>`,
};

/** How samples of these models are drawn, as a clause. */
export function drawnFromLatents({ generator }: Config): string {
  return `each at once from ${generator.latent} random numbers of its own`;
}

/** Explains a generator and what it learns against. */
export function explainAdversarial({ run }: ReportFacts, config: Config): Markup {
  const { generator, discriminator, loss } = config;
  const noun = itemNoun(run);
  const one = noun === 'images' ? 'an image' : 'a point';
  const turns =
    discriminator.net === 'none'
      ? ''
      : ` In every iteration the second network is corrected ${discriminator.steps === 1 ? 'once' : `${discriminator.steps} times`}, and then the generator once.`;
  return html`<div class="text">
    <p>
      The model is a network, the <b>generator</b>, that turns ${generator.latent} random numbers into ${one} at once.
      It is never shown what belongs to which numbers: it only sees how what it makes compares with ${dataTitle(run)},
      as a crowd with a crowd.
    </p>
    ${CONTESTS[loss.kind](config, noun)}
    <p>The pictures show ${generator.batch} items, from fresh random numbers each time, as training goes on.${turns}</p>
  </div>`;
}
