import { afterEach, expect, test, vi } from 'vitest';
import { SCRIPT } from '../../src/report/script.ts';

afterEach(() => {
  vi.restoreAllMocks();
  document.body.innerHTML = '';
});

const FILM = 'data:image/webp;base64,QUJD';
const STILL = 'data:image/webp;base64,REVG';

/** Runs a script as a page does. */
function run(source: string): void {
  const element = document.createElement('script');
  element.textContent = source;
  document.body.append(element);
  element.remove();
}

/** The parts of a report that its script moves, as the page has them. */
function page({ lessMotion }: { readonly lessMotion: boolean }): void {
  document.body.innerHTML = `
    <picture><source media="(prefers-reduced-motion: reduce)" srcset="${STILL}"><img id="moving" src="${FILM}"></picture>
    <div id="moving-state"></div>
    <div id="moving-controls" hidden><button id="move"><svg><path></path></svg></button><a id="moving-save" download></a></div>`;
  const asked: string[] = [];
  vi.spyOn(window, 'matchMedia').mockImplementation((query) => {
    asked.push(query);
    return { matches: lessMotion } as MediaQueryList;
  });
  run(SCRIPT);
  expect(asked).toEqual(['(prefers-reduced-motion: reduce)']);
}

const image = (): HTMLImageElement => document.getElementById('moving') as HTMLImageElement;
const button = (): HTMLButtonElement => document.getElementById('move') as HTMLButtonElement;

test('the animation plays, stops at its last frame, and begins anew', async () => {
  page({ lessMotion: false });
  expect(document.getElementById('moving-controls')?.hidden).toBe(false);
  expect((document.getElementById('moving-save') as HTMLAnchorElement).href).toBe(FILM);
  const first = image().src;
  expect(await (await fetch(first)).text()).toBe('ABC');
  expect(button().getAttribute('aria-label')).toBe('Stop');
  button().click();
  expect(image().src).toBe(STILL);
  expect(button().getAttribute('aria-label')).toBe('Play from the start');
  button().click();
  // The same address would go on where the browser's animation was.
  expect(image().src).not.toBe(first);
  expect(await (await fetch(image().src)).text()).toBe('ABC');
});

test('it stands still where less motion is asked for, and plays when a person wants it', () => {
  page({ lessMotion: true });
  expect(image().src).toBe(STILL);
  expect(document.getElementById('moving-state')?.textContent).toBe('where particles ended');
  button().click();
  expect(image().src).toMatch(/^blob:/);
});

test('a report without an animation has nothing to move', () => {
  document.body.innerHTML = '<p>none</p>';
  run(SCRIPT);
  expect(document.body.innerHTML).toBe('<p>none</p>');
});
