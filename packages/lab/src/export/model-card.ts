import { HOMES, type HomeName } from '../data/homes.ts';
import { formatNumber } from '../progress.ts';
import type { Run } from '../runs/run.ts';
import { type Score, describeProvenance } from '../runs/scores.ts';
import { scoreText } from '../scoring/table.ts';
import type { FileValue, OnnxExport } from './onnx.ts';

/** What a model card says besides what is in the files. */
export interface CardFacts {
  readonly run: Run;
  /** What the model is called. */
  readonly title: string;
  readonly description: string;
  readonly iteration: number;
  readonly scores: readonly Score[];
  readonly version: string;
}

/** What every card says, by which it is known again. */
const EXPORTED = 'exported to ONNX: operators of the standard alone';

/** The names of the files that a card describes; undefined for a text that is no card of ours. */
export function filesOfCard(text: string): string[] | undefined {
  if (!text.includes(EXPORTED)) return undefined;
  return [...text.matchAll(/^### `(.+\.onnx)`$/gm)].map(([, name = '']) => name);
}

/** A cell of a table; bars would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function valueRows(kind: string, values: readonly FileValue[]): string[][] {
  return values.map(({ name, shape, description }) => [
    kind,
    `\`${name}\``,
    `float32 [${shape.join(', ')}]`,
    description,
  ]);
}

function fileSection({ name, description, inputs, outputs, batch, nodes, bytes, difference }: OnnxExport): string {
  const size =
    batch === null
      ? 'Takes any number of items at a time.'
      : `Takes exactly ${batch} items at a time: its results depend on the batch.`;
  const megabytes = (bytes.byteLength / 1e6).toFixed(2);
  return [
    `### \`${name}.onnx\``,
    description,
    `${size} ${nodes} nodes, ${megabytes} MB. Its values differ from those of the library by at most ${formatNumber(difference)} of the largest.`,
    table(['', 'name', 'shape', 'what it is'], [...valueRows('input', inputs), ...valueRows('output', outputs)]),
  ].join('\n\n');
}

function zeroFeed({ name, shape }: FileValue, batch: number): string {
  const sizes = shape.map((size) => (typeof size === 'number' ? size : batch));
  return `  ${name}: new ort.Tensor('float32', new Float32Array(${sizes.reduce((a, b) => a * b, 1)}), [${sizes.join(', ')}]),`;
}

/** How the first file is run with ONNX Runtime alone. */
function usage({ name, inputs, outputs, batch }: OnnxExport): string {
  const output = outputs[0]?.name ?? '';
  return [
    '```js',
    "import * as ort from 'onnxruntime-node'; // or onnxruntime-web, in a page",
    '',
    `const session = await ort.InferenceSession.create('${name}.onnx');`,
    'const results = await session.run({',
    ...inputs.map((value) => zeroFeed(value, batch ?? 1)),
    '});',
    `console.log(results.${output}.dims, results.${output}.data);`,
    '```',
  ].join('\n');
}

function licenceOf(name: string): string {
  if (!Object.hasOwn(HOMES, name))
    return 'not known to this program: mind the terms of the data before you pass the files on';
  return HOMES[name as HomeName].terms;
}

function scoreSection(scores: readonly Score[]): string {
  if (scores.length === 0) return 'None were measured: `brownian evaluate` does.';
  const rows = scores.map((score) => [score.name, scoreText(score), score.note, describeProvenance(score.provenance)]);
  return table(['score', 'value', 'note', 'measured with'], rows);
}

/** The model card of exported files, as Markdown. */
export function modelCard(
  { run, title, description, iteration, scores, version }: CardFacts,
  files: readonly OnnxExport[],
): string {
  const { config, record } = run;
  const { data, machine, seconds } = record;
  const [first] = files;
  return `${[
    `# ${title} on ${data.name}`,
    `${title} (${description}), trained with Brownian ${version} and ${EXPORTED}, opset 18, so any ONNX runtime takes the files.`,
    '## Files',
    ...files.map(fileSection),
    '## How to run them',
    first === undefined ? '' : usage(first),
    '## Data',
    `${data.size.toLocaleString('en-US')} items of shape [${data.itemShape.join(', ')}] of ${data.name}. Licence of the data: ${licenceOf(config.data)}.`,
    '## Training',
    `${iteration} iterations in ${formatNumber(seconds.training)} seconds on ${machine.cpu}, ${machine.threads} threads, ${machine.runtime}; seed ${config.seed}. Begun ${record.created} by \`${record.command}\`.`,
    '<details><summary>All settings</summary>',
    `\`\`\`json\n${JSON.stringify(config, null, 2)}\n\`\`\``,
    '</details>',
    '## Scores',
    scoreSection(scores),
    '## What to mind',
    'The model knows the data above and nothing else: what it makes of other items means nothing. It may repeat what it learned from.',
  ].join('\n\n')}\n`;
}
