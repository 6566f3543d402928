import { type Family, familyOf } from 'brownian';
import type { RunConfig, RunConfigOf } from '../../config/run-config.ts';
import type { ReportFacts } from '../facts.ts';
import type { Markup } from '../html.ts';
import { drawnFromLatents, explainAdversarial } from './adversarial.ts';
import { drawnByLangevin, explainDescriptive } from './descriptive.ts';
import { drawnByGenerator, explainGeneralized } from './generalized.ts';
import { drawnByFlow, explainVariational } from './variational.ts';

type Explain<F extends Family> = (facts: ReportFacts, config: RunConfigOf<F>) => Markup;

/** How the models of each family are explained. */
const EXPLANATIONS: { readonly [F in Family]: Explain<F> } = {
  descriptive: explainDescriptive,
  adversarial: explainAdversarial,
  generalized: explainGeneralized,
  variational: explainVariational,
};

/** How the samples of each family are drawn. */
const DRAWN: { readonly [F in Family]: (config: RunConfigOf<F>) => string } = {
  descriptive: drawnByLangevin,
  adversarial: drawnFromLatents,
  generalized: drawnByGenerator,
  variational: drawnByFlow,
};

/** What the way of particles to samples is counted in. */
const WAYS: { readonly [F in Family]: string } = {
  descriptive: 'Langevin steps',
  adversarial: 'steps',
  generalized: 'Langevin steps',
  variational: 'hundredths of the clock s',
};

/** The unit in which a run's way from noise to samples is counted. */
export function wayUnit({ model }: RunConfig): string {
  return WAYS[familyOf(model)];
}

function explainOf<F extends Family>(family: F): Explain<F> {
  return EXPLANATIONS[family];
}

function drawnOf<F extends Family>(family: F): (config: RunConfigOf<F>) => string {
  return DRAWN[family];
}

/** How a run's samples were drawn, as a clause. */
export function samplesDrawn(config: RunConfig): string {
  return drawnOf(familyOf(config.model))(config);
}

/** What a newcomer needs to know to understand the pictures. */
export function explanation(facts: ReportFacts): Markup {
  const { config } = facts.run;
  return explainOf(familyOf(config.model))(facts, config);
}
