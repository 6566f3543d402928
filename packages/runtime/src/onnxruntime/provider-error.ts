/** An execution provider that this machine, this page or this build of ONNX Runtime does not have. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
}
