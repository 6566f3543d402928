import { softplus } from '@brownian/graph';
import type { AdversarialFlow } from './flow.ts';

/**
 * The generative adversarial network with the non-saturating loss (Goodfellow et al. 2014, section 3): with logits d,
 *
 *   L_D = E softplus(−d(x)) + E softplus(d(g)),   L_G = E softplus(−d(g)).
 */
export function logisticFlow(): AdversarialFlow {
  return {
    generatorLoss: ({ fake }) => softplus(fake.neg()).mean(),
    discriminator: {
      features: 1,
      loss: ({ fake, real }) => {
        const [onReal, onFake] = [softplus(real.neg()).mean(), softplus(fake).mean()];
        return { loss: onReal.add(onFake), parts: { scoreData: real.mean(), scoreGenerated: fake.mean() } };
      },
    },
  };
}
