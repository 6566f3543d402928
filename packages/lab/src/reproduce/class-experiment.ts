import { basename } from 'node:path';
import { IMAGE_DEFAULTS } from '../config/schema.ts';
import { openData } from '../data/open.ts';
import { gatherFilters } from '../weights/filter-file.ts';
import type { HomeName } from '../data/homes.ts';
import { classFindings } from './class-report.ts';
import { FLOWS_MEANING, descriptiveConfig, parseClip, parseFlow } from './descriptive.ts';
import type { Bench, Cell, Experiment, ExperimentOption, Measured, ReportTable, Scale } from './experiment.ts';
import { dataPlace, filtersPlace, imagesOfClass } from './found.ts';
import { peakMemory, stabilityOf } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { runTrial } from './trial.ts';

/** CIFAR-10, which these experiments learn from unless they say otherwise. */
export const CIFAR10: ClassExperiment['data'] = { name: 'cifar-10', folder: 'cifar10', title: 'CIFAR-10' };

/** What sets one experiment on images of a class apart from another. */
export interface ClassExperiment {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly lead: string;
  /** What is learned from when `--data` does not say: a data set that can be fetched, or a folder beside the checkout. */
  readonly data: { readonly name: HomeName; readonly folder: string; readonly title: string };
  /** Standard scale, as the user would type it. */
  readonly standard: Readonly<
    Record<
      'classes' | 'seeds' | 'lambda' | 'delta' | 'clip' | 'flows' | 'images' | 'size' | 'iterations' | 'steps',
      string
    >
  >;
  readonly examples: readonly string[];
  /** Numbers from elsewhere that the report shows beside ours. */
  readonly beside: readonly ReportTable[];
}

function plan(scale: Scale): Cell[] {
  const flows = wordsOf(scale, 'flows');
  flows.forEach(parseFlow);
  const clips = wordsOf(scale, 'clip');
  clips.forEach(parseClip);
  const filters = basename(filtersPlace(textOf(scale, 'filters')));
  const [size, iterations, steps] = ['size', 'iterations', 'steps'].map((name) => numberOf(scale, name)) as [
    number,
    number,
    number,
  ];
  const cells: Cell[] = [];
  for (const seed of numbersOf(scale, 'seeds'))
    for (const name of wordsOf(scale, 'classes'))
      for (const images of numbersOf(scale, 'images'))
        for (const lambda of numbersOf(scale, 'lambda'))
          for (const delta of numbersOf(scale, 'delta'))
            for (const clip of clips)
              for (const flow of flows)
                cells.push({
                  settings: { class: name, seed, images, lambda, delta, clip, flow, size, iterations, steps, filters },
                });
  return cells;
}

async function runCell(cell: Cell, place: string, net: string, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [name, seed, images, size] = [
    String(settings['class']),
    Number(settings['seed']),
    Number(settings['images']),
    Number(settings['size']),
  ];
  const data = await openData(place, { limit: null, seed: 1, images: { ...IMAGE_DEFAULTS, size } });
  const config = descriptiveConfig(cell, { data: place, net, itemShape: data.itemShape, theta: 'position' });
  const file = await gatherFilters(config, data, (text) => bench.note(text));
  const result = await runTrial(
    {
      label: `${name}, λ ${settings['lambda']}, δ ${settings['delta']}, ${settings['flow']}, seed ${seed}`,
      model: config.model,
      options: config,
      ...(file && { filters: file.layer }),
      batch: await imagesOfClass(data, name, images, seed),
      iterations: config.iterations,
      seed,
      columns: Math.ceil(Math.sqrt(images)),
    },
    bench,
  );
  if (result === null) return null;
  const { curves, stopped, pictures } = result;
  return { measures: { ...stabilityOf(result), peakMemory: peakMemory() }, curves, note: stopped, pictures };
}

/** Flags of these experiments, with the standard scale of one. */
function optionsOf({ standard, data }: ClassExperiment): Readonly<Record<string, ExperimentOption>> {
  const places = 'in this folder or one above';
  return {
    data: {
      kind: 'text',
      meaning: `images (default: ${data.title} as it was fetched, or data/${data.folder} ${places})`,
      standard: null,
    },
    filters: {
      kind: 'text',
      meaning: `VGG-16 weights, or any filters of brownian train (default: data/vgg16 ${places}, else fetched)`,
      standard: null,
    },
    classes: {
      kind: 'words',
      meaning: 'classes to learn, each by itself; all takes images of any',
      standard: standard.classes,
    },
    seeds: { kind: 'numbers', meaning: 'seeds; each draws its own images and its own noise', standard: standard.seeds },
    images: { kind: 'counts', meaning: 'images of a class, and particles', standard: standard.images },
    lambda: { kind: 'numbers', meaning: 'learning rates λ', standard: standard.lambda },
    delta: { kind: 'numbers', meaning: 'Langevin steps δ', standard: standard.delta },
    clip: { kind: 'words', meaning: 'bounds of the weights θ; none leaves them free', standard: standard.clip },
    flows: { kind: 'words', meaning: FLOWS_MEANING, standard: standard.flows },
    size: { kind: 'whole number', meaning: 'side to which images are scaled, in pixels', standard: standard.size },
    iterations: { kind: 'whole number', meaning: 'outer iterations', standard: standard.iterations },
    steps: { kind: 'whole number', meaning: 'Langevin steps per iteration (L)', standard: standard.steps },
  };
}

/** An experiment that learns images of one class at a time with fixed filters, and compares flows. */
export function classExperiment(facts: ClassExperiment): Experiment {
  const { name, title, summary, examples, data } = facts;
  return {
    name,
    title,
    summary,
    examples,
    options: optionsOf(facts),
    plan,
    open(scale, bench) {
      const place = dataPlace(textOf(scale, 'data'), data.name, data.folder);
      const net = filtersPlace(textOf(scale, 'filters'));
      bench.note(`Data: ${place}. Filters: ${net}.`);
      return Promise.resolve((cell) => runCell(cell, place, net, bench));
    },
    findings: (results, scale, picture) => classFindings(facts, results, scale, picture),
  };
}
