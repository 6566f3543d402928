export { type NodeOptions, nodeRuntime } from './onnxruntime/node.ts';
export { ProviderError } from './onnxruntime/provider-error.ts';
