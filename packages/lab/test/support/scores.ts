import type { ScoreProvenance } from '../../src/runs/scores.ts';

/** Something that a score may have been measured with. */
export const PROVENANCE: ScoreProvenance = {
  metric: 'roundness',
  network: { name: 'a pair of <eyes>', hash: '0123456789abcdef'.repeat(4) },
  samples: 1000,
  reference: { data: 'circles', split: 'test', items: 500 },
  seed: 7,
};
