export * from './types.ts';
export * from './tree.ts';
export * from './ndarray.ts';
export type { ConvGeometry, PoolGeometry, Primitive, PrimitiveAttributes } from './primitives.ts';
export { ShapeError, broadcastShapes, convOutput, windows } from './rules/shape.ts';
export { type Operand, Tensor, apply, constant, normalizeAxes, operand, placeholder } from './tensor.ts';
export { type Graph, topologicalOrder } from './graph.ts';
export { grad, jvp, stopGradient, valueAndGrad, vjp } from './autodiff.ts';
export * from './ops/elementwise.ts';
export * from './ops/reduce.ts';
export * from './ops/shape.ts';
export * from './ops/conv.ts';
export * from './ops/norm.ts';
export { type Traced, trace } from './trace.ts';
export { VerificationError, verify } from './passes/verify.ts';
export { printGraph } from './passes/print.ts';
export { type Evaluate, type OptimizeOptions, optimize } from './passes/optimize.ts';
export {
  type FormChooser,
  type LoweredModel,
  type LoweringOptions,
  type Target,
  lower,
  toOnnx,
} from './onnx/lowering.ts';
export { type OnnxModel, type Precision, encodeModel } from './onnx/model.ts';
export { openBatch } from './onnx/open-batch.ts';
export { renameValues } from './onnx/rename.ts';
export {
  OnnxError,
  type ReadAttribute,
  type ReadModel,
  type ReadNode,
  type ReadValue,
  decodeModel,
} from './onnx/decode.ts';
export { type OnnxNetwork, importOnnx } from './onnx-import/import.ts';
