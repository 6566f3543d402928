/** A piece of HTML, as opposed to text that still has to be escaped. */
export interface Markup {
  readonly markup: string;
}

/** Anything that {@link html} can put into its holes. */
export type Content = string | number | null | Markup | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(content: Content): string {
  if (content === null) return '';
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return content.replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
  if ('markup' in content) return content.markup;
  return content.map(render).join('');
}

/** HTML as a tagged template: text in the holes is escaped, markup is not, null leaves nothing. */
export function html(parts: TemplateStringsArray, ...holes: readonly Content[]): Markup {
  return { markup: parts.map((part, i) => part + (i < holes.length ? render(holes[i] ?? null) : '')).join('') };
}

/** Text that is HTML (or SVG, CSS, a script) already. */
export function raw(markup: string): Markup {
  return { markup };
}

/** A value for a `<script type="application/json">` element. */
export function jsonFor(value: unknown): Markup {
  return { markup: JSON.stringify(value).replaceAll('<', '\\u003c') };
}
