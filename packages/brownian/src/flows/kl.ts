import { type ContrastOptions, type Flow, contrast, differentiate } from './flow.ts';

/**
 * The KL flow, which is maximum likelihood (generalised GCN, Eq. 2): parameters ascend E_data[∇θΦ] − E_particles[∇θΦ].
 */
export function kl(options: ContrastOptions = {}): Flow {
  return { gradients: (potential, params, at) => differentiate(params, (p) => contrast(potential, p, at, options)) };
}
