export type {
  Backend,
  CompileOptions,
  Compiled,
  Executable,
  LoadedModel,
  ModelValue,
  Runtime,
  Stream,
  StreamState,
  ToArrays,
} from './types.ts';
export { NonFiniteError, createRuntime } from './compile.ts';
export { createStream } from './stream/stream.ts';
export { interpreterBackend } from './interpreter/interpreter-backend.ts';
