/** Colours of runs, sets and classes, distinct also for the colour-blind, on light and dark paper. */
export const COLORS: readonly string[] = [
  '#c4511d',
  '#2b7bb9',
  '#7f8f1f',
  '#9467bd',
  '#d4a017',
  '#17a2a2',
  '#d6508f',
  '#8c6d5a',
];
