import { BINARY_RULES } from './binary.ts';
import { CONVOLUTION_RULES } from './convolution.ts';
import { IDENTITY_RULES } from './identities.ts';
import { INDEXING_RULES } from './indexing.ts';
import { LAYOUT_RULES } from './layout.ts';
import { MATMUL_RULES } from './matmul.ts';
import { POOLING_RULES } from './pooling.ts';
import { REDUCE_RULES } from './reduce.ts';
import type { InterpretationRules } from './rule.ts';
import { UNARY_RULES } from './unary.ts';

/** The interpretation rule of every primitive: the reference that every other backend is tested against. */
export const INTERPRETATION_RULES: InterpretationRules = {
  ...IDENTITY_RULES,
  ...UNARY_RULES,
  ...BINARY_RULES,
  ...REDUCE_RULES,
  ...LAYOUT_RULES,
  ...INDEXING_RULES,
  ...MATMUL_RULES,
  ...CONVOLUTION_RULES,
  ...POOLING_RULES,
};
