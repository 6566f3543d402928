import { ShapeError } from '@brownian/graph';
import { SolverError, type SolverFailure } from 'brownian';

/**
 * Something the user can put right: a bad option, a missing file, a corrupt checkpoint. The command prints the message as one
 * sentence, without a stack, and exits with `exitCode`: 1, or 2 when the command line itself cannot be understood.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { readonly exitCode?: 1 | 2; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The code of a system error such as `ENOENT`, or undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than this process may write',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ENOTDIR: 'part of the path is not a folder',
  EEXIST: 'it exists already',
};

/** Why a file operation failed, in words, such as "the disk is full". */
export function fileProblem(error: unknown): string {
  const code = systemCode(error);
  if (code !== undefined) return SYSTEM_REASONS[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}

/** What helps when a solver gives up, by the flags of the command line. */
const SOLVER_REMEDIES: Readonly<Record<SolverFailure, string>> = {
  stiff: 'end earlier by --t-end, raise --rtol and --atol, or allow more steps by --max-steps',
  'non-finite': 'end earlier by --t-end, or train longer',
  'step-too-small': 'raise --rtol and --atol, or end earlier by --t-end',
  'too-many-steps': 'raise --rtol and --atol, or allow more steps by --max-steps',
};

/** Why a flow did not reach its end, as a sentence that names flags. */
export function solverProblem({ seen, reason }: SolverError): string {
  return `${seen}; ${SOLVER_REMEDIES[reason]} (flags of brownian sample; of brownian train as --sampling.rtol and so on).`;
}

/** What a model cannot do, such as take another size or reach the end of its flow, as an error of the user: a sentence without a stack. */
function withoutStack(error: unknown): unknown {
  if (error instanceof SolverError) return new UserError(solverProblem(error), { cause: error });
  return error instanceof ShapeError || error instanceof RangeError
    ? new UserError(error.message, { cause: error })
    : error;
}

/** Runs what asks a model for something, {@link withoutStack}. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withoutStack(error);
  }
}
