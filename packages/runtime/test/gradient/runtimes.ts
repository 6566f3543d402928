import type { FormChooser, Target, Tensor } from '@brownian/graph';
import { type Runtime, createRuntime, interpreterBackend } from '@brownian/runtime';
import * as ort from 'onnxruntime-node';
import { loadSession } from '../../src/onnxruntime/session.ts';

/** The float64 interpreter, behind the passes that every compiled function goes through. */
export function interpreter(): Runtime {
  return createRuntime(interpreterBackend());
}

/** Which form was taken for which node. */
export interface Choice {
  readonly node: Tensor;
  readonly offered: readonly string[];
  readonly taken: string;
}

/** Takes the form `wanted` wherever it applies, else the first, and notes what it took. */
export function preferring(wanted: string, choices: Choice[] = []): FormChooser {
  return (node, offered) => {
    const taken = offered.includes(wanted) ? wanted : (offered[0] as string);
    choices.push({ node, offered, taken });
    return taken;
  };
}

/**
 * ONNX Runtime on the CPU with graphs lowered as for `target`: the operators of every target run on the CPU too, so the forms
 * of browsers can be tested here.
 */
export function loweredFor(target: Target): Runtime {
  return createRuntime({
    name: `onnxruntime-node lowered for ${target}`,
    load: (graph) => loadSession(ort, graph, { target }, { intraOpNumThreads: 1 }),
  });
}
