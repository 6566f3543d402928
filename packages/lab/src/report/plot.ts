import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

export { Plot };

/** Draws a plot without a browser, as the text of an SVG element. */
export function plotSvg(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>') as unknown as {
    readonly document: object;
  };
  // Both libraries speak in the types of the DOM, which is not among this package's: all that matters here is the text.
  const draw = Plot.plot as (options: object) => { readonly outerHTML: string };
  return draw({ ...options, document }).outerHTML;
}
