import type { Runtime } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';

let shared: Runtime | undefined;

/** The runtime that references are computed on: float32 on the CPU, as users train. */
export function runtime(): Runtime {
  shared ??= nodeRuntime();
  return shared;
}
