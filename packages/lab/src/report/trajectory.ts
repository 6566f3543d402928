import { TRAJECTORY_CHARTS, TRAJECTORY_METRICS, gridOf } from '../metric-guide.ts';
import type { TrajectoryRecord } from '../runs/trajectory.ts';
import { chartsOf } from './comparison.ts';
import { learningCurves } from './curves.ts';
import { wayUnit } from './explain/explanation.ts';
import { type ReportFacts, isImages, itemNoun } from './facts.ts';
import { type Markup, html, raw } from './html.ts';

/** The way of particles to samples, as a report shows it. */
export interface TrajectoryFacts {
  /** An animated WebP, base64. */
  readonly film: string;
  /** Its last frame, as a WebP that stands still, base64. */
  readonly still: string;
  readonly record: TrajectoryRecord;
}

function charts(record: TrajectoryRecord, axis: string): Markup | null {
  const records = record.map(({ steps, metrics }) => ({ iteration: steps, seconds: 0, metrics }));
  const drawn = learningCurves(records, {
    metrics: TRAJECTORY_METRICS,
    charts: TRAJECTORY_CHARTS,
    axis,
  });
  return drawn.length === 0 ? null : chartsOf(drawn);
}

/** From noise to samples: an animation that can be stopped, and that stands still for those who asked their system for less motion. */
export function trajectorySection({ run, trajectory }: ReportFacts): Markup | null {
  if (trajectory === null) return null;
  const { film, still, record } = trajectory;
  const noun = itemNoun(run);
  const steps = record.at(-1)?.steps ?? 0;
  const coarser = new Set(
    record.flatMap(({ metrics }) => Object.keys(metrics).flatMap((name) => gridOf(name)[1] ?? [])),
  );
  const unit = wayUnit(run.config);
  const source = (base64: string): string => `data:image/webp;base64,${base64}`;
  const kind = isImages(run) ? 'pixels' : 'points';
  return html`<section id="sampling">
    <h2>From noise to ${noun}</h2>
    <p class="hint">
      The trained model at work: new particles and their way in ${steps.toLocaleString('en-US')}
      ${unit}${coarser.size > 0 ? `, on grids of ${[...coarser, run.record.data.itemShape[1]].join(', ')} pixels one after the other` : ''}.
      Frames follow each other closely at first, where particles move most.
    </p>
    <div class="film">
      <figure>
        <picture>
          <source media="(prefers-reduced-motion: reduce)" srcset="${source(still)}" />
          <img
            class="picture ${kind}"
            id="moving"
            src="${source(film)}"
            alt="Particles on their way from noise to samples"
          />
        </picture>
      </figure>
      <div>
        <div class="when">${steps.toLocaleString('en-US')} ${unit}</div>
        <div class="label" id="moving-state">again and again, from the start</div>
        <div class="controls" id="moving-controls" hidden>
          <button id="move" type="button" aria-label="Stop">
            ${raw('<svg viewBox="0 0 18 18"><path d="M3 3h12v12H3z" /></svg>')}
          </button>
          <a class="label" id="moving-save" download="trajectory.webp">Save the animation</a>
        </div>
      </div>
    </div>
    ${charts(record, unit)}
  </section>`;
}
