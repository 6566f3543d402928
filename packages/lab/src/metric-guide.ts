/** What a metric is, for people who see its curve. */
export interface MetricGuide {
  /** Its key in a learner's metrics. */
  readonly name: string;
  /** Curves of one chart are drawn together. */
  readonly chart: string;
  /** Name of the curve on its chart. */
  readonly label: string;
  /** Name on the progress bar; metrics without one are not shown there. */
  readonly short?: string;
}

/** A chart of a report: one or more metrics and what to look for. */
export interface ChartGuide {
  readonly key: string;
  readonly title: string;
  readonly meaning: string;
  /** Draw on a logarithmic axis when the values allow it. */
  readonly log: boolean;
}

/** The metrics that learners are known to give, in the order of importance. Those with chart '' are recorded and not drawn. */
export const METRIC_GUIDE: readonly MetricGuide[] = [
  { name: 'responseDistance', chart: 'response', label: 'R', short: 'R' },
  { name: 'potentialData', chart: 'potential', label: 'data', short: 'Φ data' },
  { name: 'potentialParticles', chart: 'potential', label: 'particles', short: 'Φ particles' },
  { name: 'energy', chart: 'energy', label: 'energy' },
  { name: 'potentialGenerated', chart: 'potential', label: 'generated' },
  { name: 'reconstructionError', chart: 'reconstruction', label: 'mean square', short: 'moved' },
  { name: 'completionError', chart: 'completion', label: 'mean square', short: 'completed' },
  { name: 'gradientNorm', chart: 'force', label: '‖∇Φ‖' },
  { name: 'particleSpread', chart: 'spread', label: 'spread' },
  { name: 'parameterGradientNorm', chart: 'gradient', label: 'gradient norm' },
  { name: 'generatorGradientNorm', chart: 'gradient', label: 'of the generator' },
  { name: 'hiddenNorm', chart: 'hidden', label: 'mean ζ²' },
  { name: 'speed', chart: 'speed', label: 'squared speed' },
  { name: 'previousSpeed', chart: '', label: 'squared speed at the previous particles' },
  { name: 'loss', chart: 'loss', label: 'loss' },
  { name: 'flowSpeed', chart: 'flowSpeed', label: '‖∇Φ‖²' },
  { name: 'covariance', chart: 'covariance', label: 'covariance' },
  { name: 'potentialSquare', chart: '', label: 'mean Φ² over the path' },
  { name: 'generatorLoss', chart: 'losses', label: 'generator', short: 'loss G' },
  { name: 'discriminatorLoss', chart: 'losses', label: 'discriminator', short: 'loss D' },
  { name: 'discrepancy', chart: 'discrepancy', label: 'discrepancy' },
  { name: 'distance', chart: 'distance', label: 'distance' },
  { name: 'scoreData', chart: 'scores', label: 'data' },
  { name: 'scoreGenerated', chart: 'scores', label: 'generated' },
  { name: 'penalty', chart: 'penalty', label: 'gradient penalty' },
  { name: 'stability', chart: 'stability', label: 'stabiliser' },
  { name: 'featureSpreadData', chart: 'features', label: 'data' },
  { name: 'featureSpreadGenerated', chart: 'features', label: 'generated' },
  { name: 'discriminatorGradientNorm', chart: 'discriminator', label: 'gradient norm' },
];

/** The charts of those metrics, in the order of a report. */
export const CHART_GUIDE: readonly ChartGuide[] = [
  {
    key: 'response',
    title: 'Response distance R',
    meaning:
      'How differently the filters of Φ respond to data and to particles. When filters are learned they sharpen as training goes on, so R settles at a level rather than at zero.',
    log: true,
  },
  {
    key: 'potential',
    title: 'Mean potential Φ',
    meaning:
      'Training raises Φ at the data and lowers it at the particles. While the two stay close the model is in balance; a gap that keeps growing means one side is winning. ' +
      'Φ of the particles is what the papers draw as the energy of a model (generalised GCN, Fig. 7): one that collapses swings and ends below 0.',
    log: false,
  },
  {
    key: 'energy',
    title: 'Energy of particles, ‖x‖²/2σ² − Φ',
    meaning:
      'What Langevin dynamics goes down: the pull of the reference Gaussian less the potential. It falls and settles in a run that is stable.',
    log: false,
  },
  {
    key: 'reconstruction',
    title: 'How far particles move from where the generator put them',
    meaning:
      'Mean square difference, per pixel, between what the generator makes and what the particles became. Small when the generator has caught up with the sampler.',
    log: true,
  },
  {
    key: 'completion',
    title: 'How far completed images are from the originals',
    meaning:
      'Mean square difference, per pixel (the known ones count as 0), between images that were masked and what the generator made of what was left. It falls while the generator learns to complete; new images of each batch, so it is no training error of the same ones.',
    log: true,
  },
  {
    key: 'hidden',
    title: 'Mean square of the learned latents',
    meaning:
      'Near 1 they still look like draws of the normal distribution that samples begin at; far from 1 they have wandered off.',
    log: false,
  },
  {
    key: 'force',
    title: 'Force on a particle, ‖∇Φ‖',
    meaning:
      'Mean length of the gradient that moves a particle, at the last Langevin step. Steady growth means Φ is getting too steep.',
    log: true,
  },
  {
    key: 'spread',
    title: 'Spread of particles over that of data',
    meaning:
      'Root mean square distance of particles from their mean, divided by that of the batch: near 1 when both vary alike. Near 0 the particles have collapsed.',
    log: true,
  },
  {
    key: 'gradient',
    title: 'Gradient norm of the parameters',
    meaning: 'Length of the gradient that changes Φ, or the generator. Spikes and steady growth announce divergence.',
    log: true,
  },
  {
    key: 'speed',
    title: 'Squared speed of particles',
    meaning: 'Squared displacement in one noise-free step: what the JKO flow charges for, weighted by β.',
    log: true,
  },
  {
    key: 'loss',
    title: 'Loss',
    meaning:
      'What the optimizer descends. Of models that learn from their own samples it is Φ of particles minus Φ of data, plus penalties: a balance of two moving sides, which does not measure quality. Of variational models it is an error less a constant, and the lower the better.',
    log: false,
  },
  {
    key: 'flowSpeed',
    title: 'Squared speed of the flow, ‖∇Φ‖²',
    meaning:
      'Mean squared length of the velocity on the way from noise to data. It grows from nothing to what the way takes, then stays.',
    log: true,
  },
  {
    key: 'covariance',
    title: 'Covariance of Φ with the innovation',
    meaning:
      'How well Φ tells blurred data that are near their datum from those that are not; the more negative the better. At the best Φ it is −2 times the squared speed.',
    log: false,
  },
  {
    key: 'losses',
    title: 'Losses',
    meaning:
      'What each network descends. The two work against each other, so neither has to fall; a loss that runs away means that one side is winning for good. ' +
      'A generator beside a potential descends half the squared distance from the particles that it should make, or minus Φ at what it makes.',
    log: false,
  },
  {
    key: 'discrepancy',
    title: 'Distance of generated from real features',
    meaning:
      'Elastic energy, or squared mean discrepancy, between the features of generated items and of data. The discriminator raises it and the generator lowers it.',
    log: true,
  },
  {
    key: 'distance',
    title: 'Gap of scores',
    meaning:
      'Mean score of data less that of generated items: an estimate, up to a factor, of the Wasserstein distance between the two.',
    log: false,
  },
  {
    key: 'scores',
    title: 'Scores of the discriminator',
    meaning:
      'Mean logit of data and of generated items. Near each other when the two cannot be told apart; far apart when the discriminator is sure, and the generator learns little.',
    log: false,
  },
  {
    key: 'penalty',
    title: 'Gradient penalty',
    meaning: 'Mean of (slope − 1)² of the critic between data and generated items; near 0 when its slopes are near 1.',
    log: true,
  },
  {
    key: 'stability',
    title: 'Stabiliser',
    meaning: 'Mean short-range repulsion among all features. It rises when features crowd together.',
    log: true,
  },
  {
    key: 'features',
    title: 'Spread of features',
    meaning:
      'Root mean square distance of features (or scores) from their mean. When it falls towards 0 the features have collapsed, and the generator gets no direction from them.',
    log: true,
  },
  {
    key: 'discriminator',
    title: 'Gradient norm of the discriminator',
    meaning: 'Length of the gradient that changes the discriminator. Spikes and steady growth announce divergence.',
    log: true,
  },
];

/** The metrics of particles on their way to samples. */
export const TRAJECTORY_METRICS: readonly MetricGuide[] = [
  { name: 'energy', chart: 'energy', label: 'energy' },
  { name: 'gradientNorm', chart: 'force', label: '‖∇Φ‖' },
];

/** The charts of those metrics. */
export const TRAJECTORY_CHARTS: readonly ChartGuide[] = [
  {
    key: 'energy',
    title: 'Energy along the way',
    meaning:
      'Mean energy of the particles, −Φ with the pull of a reference Gaussian if there is one, from the first step to the last. It falls fast, then slowly; a level it has not reached yet says that more steps would help.',
    log: false,
  },
  {
    key: 'force',
    title: 'Force on a particle, ‖∇Φ‖',
    meaning:
      'Mean length of the gradient that moves a particle. It need not vanish at the end: noise, and bounds on pixels, work against it.',
    log: true,
  },
];

/** A metric's name without its grid, and the height of that grid in pixels; null is the finest, or the only one. */
export function gridOf(name: string): readonly [metric: string, height: number | null] {
  const [, metric, height] = /^(.+)@(\d+)$/.exec(name) ?? [];
  return metric === undefined ? [name, null] : [metric, Number(height)];
}
