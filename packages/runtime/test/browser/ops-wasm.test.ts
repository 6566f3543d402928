import { webRuntime } from '@brownian/runtime/web';
import { FLOAT32_LIMITS } from '../gradient/check-op.ts';
import { describeOps } from './op-suite.ts';

// The kernels are Node's, compiled to WASM: the same limits hold.
describeOps(await webRuntime({ provider: 'wasm' }), { onGpu: false, limitsOf: () => FLOAT32_LIMITS });
