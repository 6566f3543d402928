// Runs tiny-run.ts on onnxruntime-node and prints the result as JSON: what the browser's run is compared with.
import process from 'node:process';
import { nodeRuntime } from '@brownian/runtime/node';
import { tinyRun } from './tiny-run.ts';

const runtime = nodeRuntime({ threads: 1 });
process.stdout.write(JSON.stringify(await tinyRun(runtime)));
await runtime.dispose();
