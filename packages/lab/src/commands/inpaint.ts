import { type InpaintMethod, type Learner, inpaintMethods } from 'brownian';
import { UserError, asked } from '../errors.ts';
import { wholeNumber } from '../scoring/request.ts';
import { openTaskImages } from '../tasks/images.ts';
import { TRIVIAL, tryInpainting, writeInpainted } from '../tasks/inpaint.ts';
import { openMasks } from '../tasks/mask.ts';
import { scoreTable, writeScoreFiles } from '../tasks/scores.ts';
import type { Context, ExitCode } from './context.ts';
import { type TaskRequest, choiceOf, folderOf, seedOf, withComparison } from './task.ts';
import { forSamples, givenSampling, openTrained } from './trained.ts';

/** What `brownian inpaint` was given, as text. */
export interface InpaintRequest extends TaskRequest {
  readonly mask: string;
  readonly method?: string;
}

const METHODS: readonly InpaintMethod[] = ['encode', 'dynamics', 'both'];

/** @throws UserError when options of a draw are given though nothing is drawn */
function requireDraws(learner: Learner, method: InpaintMethod | undefined, sampling: TaskRequest['sampling']): void {
  const methods = inpaintMethods(learner);
  if ((method ?? methods[0]) !== 'encode') return;
  const [given] = givenSampling(sampling);
  if (given === undefined) return;
  const others = methods.filter((other) => other !== 'encode').map((other) => ` or give --method ${other}`);
  throw new UserError(
    `--${given[0]} changes how samples are drawn, and by method encode ${learner.name} draws none, so leave it out${others.join('')}.`,
  );
}

/**
 * `brownian inpaint`: masks images, lets the run's model complete them, and scores that beside trivial fillings.
 *
 * @throws UserError for anything the user can put right
 */
export async function inpaintCommand(context: Context, request: InpaintRequest): Promise<ExitCode> {
  const count = wholeNumber('--n', request.n, 1, 1_000_000);
  const method = choiceOf('--method', request.method, METHODS);
  const trained = await openTrained(context, request.run, { config: (config) => forSamples(config, request.sampling) });
  const { run, learner, state, iteration } = trained;
  try {
    requireDraws(learner, method, request.sampling);
    const seed = seedOf(run, request.seed);
    const given = request.images === undefined ? {} : { images: request.images };
    const images = await openTaskImages(run, 'inpaint', { ...given, count, seed });
    const masks = await openMasks(request.mask, images.x, seed);
    const trial = { learner, state, images, masks, methods: method && [method] };
    const results = await withComparison(context, run, images, request, (comparison) =>
      asked(() => tryInpainting(trial, comparison)),
    );
    const folder = folderOf(run, request.out, 'inpaint');
    const scored = results.flatMap((result) => result.scored);
    const settings = {
      run: run.path,
      iteration,
      images: images.name,
      split: images.split,
      count: images.x.shape[0],
      seed,
    };
    await writeInpainted(folder, results, request.images !== undefined);
    await writeScoreFiles(folder, settings, scored);
    if (request.json === true) context.print(JSON.stringify({ settings, scores: scored }, null, 2));
    else {
      for (const line of scoreTable(scored)) context.print(line);
      const rows = ['originals', 'masked', 'the model', ...TRIVIAL].join(', ');
      context.print(`Pictures (rows: ${rows}) and scores: ${folder}`);
    }
    return 0;
  } finally {
    await trained.close();
  }
}
