export type {
  Batch,
  Dataset,
  ExportedFunction,
  ExportedValue,
  LatentView,
  Learner,
  Metrics,
  Moment,
  Params,
  Potential,
  SymbolicParams,
} from './interfaces.ts';

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
export {
  HEADER_LENGTH_BYTES,
  type TensorEntry,
  type TensorFile,
  type TensorHeader,
  decodeTensors,
  encodeTensors,
  headerLength,
  parseHeader,
  readTensor,
} from './data/safetensors.ts';

export { ACTIVATIONS, type ActivationName } from './nets/activations.ts';
export {
  type DcganDiscriminatorOptions,
  type DcganGeneratorOptions,
  type Normalisation,
  dcganDiscriminator,
  dcganGenerator,
  fitsDcgan,
} from './nets/dcgan.ts';
export { type AutoEncoderOptions, autoEncoder } from './nets/auto-encoder.ts';
export { type GaborOptions, gaborBank } from './nets/gabor.ts';
export { V0_CHANNELS, v0Generator, v0Synthesizer } from './nets/ggcn-v0.ts';
export { type Generator, type LabelledGeneratorOptions, labelledGenerator } from './nets/labelled.ts';
export {
  type ConvLayerOptions,
  type Padding,
  conv,
  dense,
  flatten,
  normalFanIn,
  normalise,
  normaliseImages,
  pointwise,
  pool,
} from './nets/layers.ts';
export { type Layer, type Net, builtIn, chain, withWeights } from './nets/net.ts';
export { type OnnxFilterOptions, onnxFilters } from './nets/onnx.ts';
export { pyramid } from './nets/pyramid.ts';
export {
  VGG_ORIGINAL_INPUT,
  VGG_TORCHVISION_INPUT,
  type VggConvolution,
  type VggInput,
  type VggLayer,
  type VggWeights,
  isVgg,
  readVgg,
  vggFilters,
  vggTensorNames,
  vggTrunk,
} from './nets/vgg.ts';
export { type ResNetOptions, resNet50, resNet50Generator } from './nets/resnet50.ts';
export { smoothFill } from './nets/smooth-fill.ts';
export { type DeconvLayerOptions, deconv, unflatten, upsample } from './nets/upsampling.ts';
export { WIDE_RESNETS, type WideResNetOptions, wideResNet } from './nets/wide-resnet.ts';
export { type MlpOptions, mlp } from './nets/mlp.ts';

export { type DescriptorPotentialOptions, descriptor } from './potentials/descriptor.ts';
export { type ScalarPotentialOptions, scalarPotential } from './potentials/scalar.ts';
export {
  type ElasticKernelOptions,
  elasticEnergy,
  elasticInteraction,
  elasticKernel,
  pairwiseSquaredDistances,
} from './potentials/elastic.ts';
export {
  type ElasticForceOptions,
  type ElasticForces,
  type ElasticParticleOptions,
  elasticForces,
  elasticParticles,
} from './samplers/elastic-particles.ts';
export {
  LANGEVIN_DEFAULTS,
  type Held,
  type Sampler,
  type SamplerInfo,
  type SamplerState,
  chainMemory,
  driftResponse,
  driftScale,
  effectiveStep,
  force,
  langevin,
  langevinStep,
} from './samplers/langevin.ts';
export {
  type PotentialField,
  type PotentialFlowOptions,
  potentialField,
  potentialFlow,
} from './samplers/potential-flow.ts';
export { chooseRows, putRows, takeRows } from './samplers/replay-buffer.ts';
export { type ChainStart, startParticles } from './samplers/start.ts';

export {
  type ContrastOptions,
  type Flow,
  type FlowPoint,
  type FlowResult,
  directionalSpeed,
  squaredSpeed,
} from './flows/flow.ts';
export { type ImplicitJkoOptions, implicitJko } from './flows/implicit-jko.ts';
export { SolverError, type SolverFailure } from './solvers/failure.ts';
export type { VectorField } from './solvers/field.ts';
export { MAX_STEPS, type Solution, type SolveOptions, solve } from './solvers/solve.ts';
export { SOLVERS, type SolverName, type Tableau } from './solvers/tableaux.ts';

export {
  HOMOTOPY_DEFAULTS,
  type HomotopyOptions,
  type HomotopyPoint,
  type HomotopyTime,
  homotopyPoint,
  homotopyTime,
} from './flows/homotopy.ts';
export { type JkoOptions, jko, stableBeta } from './flows/jko.ts';
export { kl } from './flows/kl.ts';
export {
  POISSON_DEFAULTS,
  type PoissonOptions,
  type PoissonPoint,
  poissonGradients,
  poissonLoss,
} from './flows/poisson.ts';
export {
  type StabiliserKernel,
  type ElasticGeneratorOptions,
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

export type { AdversarialModel, AdversarialState, Trained } from './learners/adversarial-model.ts';
export { adversarialLearner } from './learners/adversarial.ts';
export { LOSS_FIELDS, adversarialModel } from './learners/adversarial-family.ts';
export type * from './learners/adversarial-options.ts';
export type { AdversarialModelName } from './learners/adversarial-presets.ts';
export type * from './learners/options.ts';
export { generalizedLearner } from './learners/generalized.ts';
export type { GeneralizedLearner, GeneralizedModel, GeneralizedState } from './learners/generalized-model.ts';
export { type GeneralizedModelName, createGeneralizedLearner } from './learners/generalized-family.ts';
export {
  type GeneratorAt,
  type GeneratorLearning,
  type GeneratorUpdate,
  type HiddenLearning,
  generatorLosses,
  generatorUpdate,
} from './learners/generator-update.ts';
export { buildGenerator } from './learners/generator.ts';
export { type HiddenStart, thumbnailLength, thumbnailSize } from './learners/hidden.ts';
export { checkMasked, completing, maskedLatents } from './learners/masked.ts';
export type { Chains, Replay } from './learners/replay.ts';
export type * from './learners/variational-options.ts';
export type {
  FlowEdit,
  Flowed,
  VariationalLearner,
  VariationalModel,
  VariationalState,
} from './learners/variational-model.ts';
export { variationalLearner } from './learners/variational.ts';
export { VARIATIONAL_NETS, variationalPotential } from './learners/variational-nets.ts';
export { type VariationalModelName, createVariationalLearner } from './learners/variational-family.ts';
export type { DescriptiveLearner, DescriptiveModel, DescriptiveState } from './learners/descriptive-model.ts';
export { descriptiveUpdate } from './learners/descriptive-update.ts';
export { descriptiveLearner } from './learners/descriptive.ts';
export {
  type MultiGridModel,
  type MultiGridState,
  enlarge,
  gridShapes,
  multiGridLearner,
  shrink,
} from './learners/multi-grid.ts';
export { BUILT_IN_NETS, buildPotential } from './learners/potential.ts';
export { type DescriptiveModelName, createDescriptiveLearner } from './learners/descriptive-family.ts';
export { type ModelFamily, type ModelPreset } from './learners/family.ts';
export {
  FAMILIES,
  type Family,
  type FamilyOf,
  type FamilyOptions,
  MODELS,
  type ModelName,
  createLearner,
  familyOf,
} from './learners/presets.ts';

export {
  type ClassifierNet,
  type ClassifierOptions,
  accuracy,
  argmaxRows,
  classifierFilters,
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
export { type RocPoint, rocCurve } from './metrics/roc.ts';
export { eieg, eiegTest } from './metrics/eieg.ts';
export { fid, frechetDistance } from './metrics/fid.ts';
export { inceptionScore, inceptionScoreOfProbabilities } from './metrics/inception-score.ts';
export { type KidEstimate, type KidSubsets, kid, kidOfSubsets } from './metrics/kid.ts';
export { medianBandwidths, mmd, mmdTest } from './metrics/mmd.ts';
export { type ModeCoverage, type ModeSpreads, modeCoverage, modeSpreads } from './metrics/mode-coverage.ts';
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
export type { PermutationOptions, PermutationTest } from './metrics/permutation.ts';
export { type PrecisionRecall, precisionRecall } from './metrics/precision-recall.ts';
export { signalToNoise } from './metrics/psnr.ts';
export { slicedWasserstein } from './metrics/sliced-wasserstein.ts';
export { structuralSimilarity } from './metrics/ssim.ts';
export { responseDistance } from './metrics/response-distance.ts';
export { type FillName, FILLS, bilinearFill, harmonicFill, meanFill } from './tasks/fills.ts';
export { type InpaintMethod, inpaint, inpaintMethods, missingShare } from './tasks/inpaint.ts';
export {
  type Interpolation,
  type LatentPath,
  type Smoothness,
  clipLatents,
  interpolate,
  latentPath,
  smoothness,
} from './tasks/interpolate.ts';
export { type MaskedImages, knownLike, merge } from './data/masked.ts';
export {
  type ImageSize,
  type MaskName,
  MASKS,
  spotMasks,
  squareAndSpotMasks,
  squareMask,
  variedMasks,
} from './tasks/masks.ts';
export { type Neighbour, nearestNeighbours } from './tasks/neighbours.ts';
export { reconstruct } from './tasks/reconstruct.ts';
export type { Modes, ToyDistribution } from './data/toy2d/distribution.ts';
export { TOY_DISTRIBUTIONS, type ToyName, toyDataset } from './data/toy2d/table.ts';
