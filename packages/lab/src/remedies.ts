import { stableBeta } from 'brownian';
import type { RunConfig } from './config/schema.ts';
import type { Symptom, SymptomKind } from './divergence.ts';

/** An option to try, or undefined when the run has it already. */
type Remedy = (config: RunConfig) => string | undefined;

/** Half of a number, with two digits. */
function half(value: number): string {
  return String(Number((value / 2).toPrecision(2)));
}

const smallerStep: Remedy = ({ langevin }) => `--langevin.delta ${half(langevin.delta)} (a smaller step)`;
const slower: Remedy = ({ optimizer }) => `--learning-rate ${half(optimizer.learningRate)}`;
// With fixed filters a larger β than that of the rule is itself unstable.
const fixedJko: Remedy = ({ flow, langevin }) => {
  if (flow.beta === 0) return `--flow.beta ${stableBeta(langevin)} (the JKO flow)`;
  return flow.implicitSteps === 0 ? '--flow.implicit-steps 3' : undefined;
};
const learnedJko: Remedy = ({ flow }) =>
  flow.beta === 0 ? '--flow.beta 60 (the JKO flow)' : `--flow.beta ${Number((2 * flow.beta).toPrecision(2))}`;
const jko: Remedy = (config) => (/^(w-)?pgcn$/.test(config.model) ? fixedJko : learnedJko)(config);
const bounded: Remedy = ({ flow }) =>
  flow.energyL2 === 0
    ? '--flow.energy-l2 0.1 (L2 on Φ)'
    : `--flow.energy-l2 ${Number((3 * flow.energyL2).toPrecision(1))}`;
const clipParameters: Remedy = ({ optimizer }) =>
  optimizer.gradientClip === null ? '--optimizer.gradient-clip 1' : undefined;
const clipForce: Remedy = ({ langevin }) =>
  langevin.gradientClip === null && langevin.maxDisplacement === null ? '--langevin.max-displacement 0.1' : undefined;
// Images lie in [-1, 1]; points lie anywhere.
const keepInRange: Remedy = ({ langevin, potential }) =>
  langevin.clip === null && potential.net !== 'mlp' ? '--langevin.clip -1,1' : undefined;
const noise: Remedy = ({ langevin }) => (langevin.temperature === 0 ? '--langevin.temperature 1' : undefined);
const restart: Remedy = ({ chains }) => (chains.fresh === 0 ? '--chains.fresh 0.05' : undefined);
const leaky: Remedy = ({ potential }) =>
  potential.activation === 'relu' && potential.net !== 'gabor' ? '--potential.activation leakyRelu' : undefined;

/** What helps against what, the likeliest first. */
const REMEDIES: Readonly<Record<SymptomKind, readonly Remedy[]>> = {
  'not finite': [smallerStep, jko, bounded, clipParameters],
  'exploding gradient': [clipParameters, slower, bounded, jko],
  'exploding force': [bounded, jko, clipForce, smallerStep],
  'exploding potential': [bounded, jko, slower],
  'collapsed potential': [leaky, slower, jko],
  'scattered particles': [smallerStep, keepInRange, clipForce, jko],
  'collapsed particles': [noise, restart, jko, smallerStep],
};

const SHOWN = 3;

/** Options that may help a run that diverged, as flags: those that fit what was seen and what is not set already. */
export function remediesFor({ kind }: Symptom, config: RunConfig): string[] {
  return REMEDIES[kind].flatMap((remedy) => remedy(config) ?? []).slice(0, SHOWN);
}

/** "a", "a or b", "a, b or c". */
function either(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1) ?? ''}`;
}

/**
 * Why a run was ended and what to do, in one sentence.
 *
 * @param iteration the one in which it diverged.
 * @param rollbacks how often it had been rolled back.
 * @param good the iteration of the last good checkpoint; 0 for the beginning.
 */
export function explainDivergence(
  symptom: Symptom,
  config: RunConfig,
  { iteration, rollbacks, good }: { readonly iteration: number; readonly rollbacks: number; readonly good: number },
): string {
  const again = rollbacks === 0 ? '' : ` after ${rollbacks} ${rollbacks === 1 ? 'rollback' : 'rollbacks'}`;
  const place = good === 0 ? 'its beginning' : `the good checkpoint of iteration ${good}`;
  const resume =
    rollbacks === 0
      ? `, or resume it with --on-divergence rollback, which goes back to ${place} and draws other noise`
      : '';
  return (
    `Training diverged in iteration ${iteration}${again} (${symptom.seen}); ` +
    `train anew with ${either(remediesFor(symptom, config))}${resume}.`
  );
}
