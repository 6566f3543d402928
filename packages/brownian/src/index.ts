export type { Batch, Dataset, Learner, Metrics, Params, Potential, SymbolicParams } from './interfaces.ts';

export { DataError } from './data/errors.ts';
export {
  type ImageArray,
  type ImageDatasetOptions,
  type ImageReader,
  imageDataset,
  pointDataset,
} from './data/dataset.ts';
export { type BatchOrder, batchIndices } from './data/epochs.ts';
export { type CifarRecords, type CifarVariant, cifarVariant, parseCifar } from './data/cifar.ts';
export { type ByteArray, parseIdx } from './data/idx.ts';
export {
  type NpyData,
  type NpyHeader,
  type NpyType,
  encodeNpy,
  npyValues,
  parseNpy,
  parseNpyHeader,
} from './data/npy.ts';
export { type ResizeOptions, resize } from './data/resize.ts';

export { ACTIVATIONS, type ActivationName } from './nets/activations.ts';
export {
  type DcganDiscriminatorOptions,
  type DcganGeneratorOptions,
  dcganDiscriminator,
  dcganGenerator,
} from './nets/dcgan.ts';
export { type GaborOptions, gaborBank } from './nets/gabor.ts';
export { type ConvLayerOptions, conv, dense, flatten, pointwise, pool, normalFanIn } from './nets/layers.ts';
export { type MlpOptions, mlp } from './nets/mlp.ts';
export { type Layer, type Net, chain } from './nets/net.ts';

export { type DescriptorPotentialOptions, descriptor } from './potentials/descriptor.ts';
export {
  type ElasticKernelOptions,
  elasticEnergy,
  elasticInteraction,
  elasticKernel,
  pairwiseSquaredDistances,
} from './potentials/elastic.ts';
export {
  LANGEVIN_DEFAULTS,
  type Sampler,
  type SamplerInfo,
  type SamplerState,
  effectiveStep,
  force,
  langevin,
  langevinStep,
} from './samplers/langevin.ts';
export { chooseRows, putRows, takeRows } from './samplers/replay-buffer.ts';
export { type ChainStart, startParticles } from './samplers/start.ts';

export { type ContrastOptions, type Flow, type FlowPoint, type FlowResult, squaredSpeed } from './flows/flow.ts';
export { type JkoOptions, jko } from './flows/jko.ts';
export { kl } from './flows/kl.ts';
export {
  type StabiliserKernel,
  type StabiliserOptions,
  STABILISER_DEFAULTS,
  elasticFlow,
  elasticGanFlow,
} from './flows/adversarial/elastic.ts';
export type {
  AdversarialFlow,
  AdversarialLoss,
  DiscriminatorFlow,
  DiscriminatorPoint,
  GeneratorPoint,
} from './flows/adversarial/flow.ts';
export { logisticFlow } from './flows/adversarial/logistic.ts';
export { type MmdFlowOptions, mmdFlow } from './flows/adversarial/mmd.ts';
export { type WassersteinOptions, wassersteinFlow } from './flows/adversarial/wasserstein.ts';

export { type AdamOptions, heavyBall, scaleByAdam } from './optim/moments.ts';
export {
  type Schedule,
  clipByGlobalNorm,
  globalNorm,
  scaleByLearningRate,
  scaleByTrustRatio,
} from './optim/scaling.ts';
export { constantRate, cosineDecay, warmup } from './optim/schedules.ts';
export { adam, lamb, sgd } from './optim/optimizers.ts';
export { averageParams } from './optim/ema.ts';
export {
  type SymbolicState,
  type Transform,
  type TransformState,
  applyUpdates,
  chainTransforms,
} from './optim/transform.ts';

export {
  type AdversarialModel,
  type AdversarialState,
  type Trained,
  adversarialLearner,
} from './learners/adversarial.ts';
export type * from './learners/options.ts';
export {
  type DescriptiveModel,
  type DescriptiveState,
  descriptiveLearner,
  descriptiveUpdate,
} from './learners/descriptive.ts';
export { MODELS, type ModelName, type ModelPreset, buildPotential, createLearner } from './learners/presets.ts';

export {
  type ClassifierNet,
  type ClassifierOptions,
  accuracy,
  argmaxRows,
  classifierNet,
  crossEntropy,
  predict,
  trainClassifier,
} from './metrics/classifier.ts';
export {
  type FeatureNetwork,
  type NetworkIdentity,
  type NetworkOutputs,
  classifierNetwork,
  identityNetwork,
} from './metrics/feature-network.ts';
export { type ImageModelSpec, modelInput, modelNetwork } from './metrics/model-network.ts';
export { auroc } from './metrics/auroc.ts';
export { eieg } from './metrics/eieg.ts';
export { fid, frechetDistance } from './metrics/fid.ts';
export { inceptionScore, inceptionScoreOfProbabilities } from './metrics/inception-score.ts';
export { type KidEstimate, type KidSubsets, kid, kidOfSubsets } from './metrics/kid.ts';
export { medianBandwidths, mmd } from './metrics/mmd.ts';
export { type ModeCoverage, modeCoverage } from './metrics/mode-coverage.ts';
export {
  type Moments,
  type MomentsStream,
  covarianceOf,
  emptyMoments,
  featureMoments,
  mergeMoments,
  momentsStream,
} from './metrics/moments.ts';
export { meanSquaredErrors } from './metrics/mse.ts';
export { type PrecisionRecall, precisionRecall } from './metrics/precision-recall.ts';
export { signalToNoise } from './metrics/psnr.ts';
export { slicedWasserstein } from './metrics/sliced-wasserstein.ts';
export { structuralSimilarity } from './metrics/ssim.ts';
export { responseDistance } from './metrics/response-distance.ts';
export type { Modes, ToyDistribution } from './data/toy2d/distribution.ts';
export { TOY_DISTRIBUTIONS, type ToyName, toyDataset } from './data/toy2d/table.ts';
