import { availableParallelism, cpus, release, totalmem, type as systemName } from 'node:os';
import type { Machine } from './run.ts';

/**
 * Describes this machine for a report.
 *
 * @param threads as configured; null stands for one per core.
 * @param runtime name of the runtime that computes, with its device.
 */
export function describeMachine(threads: number | null, runtime: string): Machine {
  const cores = availableParallelism();
  return {
    cpu: cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() ?? 'unknown CPU',
    cores,
    threads: threads ?? cores,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    platform: `${systemName()} ${release()} ${process.arch}`,
    node: process.version,
    runtime,
  };
}
