import { type Markup, html, raw } from './html.ts';
import { STYLE } from './style.ts';

/** The mark at the head of a page. */
export const MARK: Markup = raw(
  '<svg viewBox="0 0 34 18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" aria-hidden="true">' +
    '<path d="M1 15l4-7 3 3 4-9 3 10 4-5 3 7 4-11 3 6 4-3"/></svg>',
);

/** A page that needs nothing but itself. */
export function shell(title: string, main: Markup, script: Markup | null = null): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="Brownian" />
        <title>${title} · Brownian</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>${main}</main>
        <footer>
          <div>
            Made by Brownian, energy-based generative modelling by particle evolution. Everything on this page is inside
            this one file.
          </div>
        </footer>
        ${script}
      </body>
    </html> `;
  return page.markup;
}
