import { formatNumber, formatSeconds } from '../progress.ts';
import type { Run } from '../runs/run.ts';
import { type Markup, html } from './html.ts';

/** A duration, finely when it is short: `84 ms`, `3.21 s`, `3m 05s`. */
export function fineSeconds(seconds: number): string {
  if (seconds < 1) return `${formatNumber(seconds * 1000)} ms`;
  return seconds < 60 ? `${formatNumber(seconds)} s` : formatSeconds(seconds);
}

/** Where the time of a run went. */
export function timeSpent({ record }: Run): Markup {
  const { training, sampling, total } = record.seconds;
  const rest = Math.max(0, total - training);
  const parts = [
    { name: 'Training steps', seconds: training, color: 'var(--accent)' },
    { name: 'Preparing, drawing grids, checkpoints', seconds: rest, color: 'var(--data)' },
    { name: 'Final samples', seconds: sampling, color: 'var(--third)' },
  ];
  const sum = Math.max(total + sampling, 1e-9);
  return html`<div class="bar" role="img" aria-label="Time by what it was spent on">
      ${parts.map(
        ({ seconds, color }) =>
          html`<i style="flex: ${Math.max(seconds / sum, 0).toFixed(4)} 0 0; background: ${color}"></i>`,
      )}
    </div>
    <table>
      ${parts.map(
        ({ name, seconds, color }) =>
          html`<tr>
            <th scope="row">
              <span class="key"><i style="background: ${color}"></i></span>${name}
            </th>
            <td class="number">${fineSeconds(seconds)}</td>
          </tr>`,
      )}
      <tr>
        <th scope="row">Per iteration, on average</th>
        <td class="number">${record.iterations > 0 ? fineSeconds(training / record.iterations) : '–'}</td>
      </tr>
    </table>`;
}
