import { type Family, familyOf } from 'brownian';
import type { RunConfigOf } from '../../config/run-config.ts';
import type { ReportFacts } from '../facts.ts';
import type { Markup } from '../html.ts';
import { explainDescriptive } from './descriptive.ts';

type Explain<F extends Family> = (facts: ReportFacts, config: RunConfigOf<F>) => Markup;

/** How the models of each family are explained. */
const EXPLANATIONS: { readonly [F in Family]: Explain<F> } = {
  descriptive: explainDescriptive,
};

/** What a newcomer needs to know to understand the pictures. */
export function explanation(facts: ReportFacts): Markup {
  const { config } = facts.run;
  const explain: Explain<Family> = EXPLANATIONS[familyOf(config.model)];
  return explain(facts, config);
}
