export { ProviderError } from './onnxruntime/provider-error.ts';
export { type WebOptions, webRuntime } from './onnxruntime/web.ts';
