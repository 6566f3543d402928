/** Data that cannot be used: a damaged file, or arrays that do not fit together. The message is one sentence. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
