import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { barProgress, formatNumber, formatSeconds, keyMetrics, lineProgress } from '../src/progress.ts';

const METRICS = { responseDistance: 0.0312, potentialData: 12.345, potentialParticles: -1234.5, loss: 3 };

describe('numbers and times', () => {
  it.each([
    [0, '0'],
    [0.03125, '0.0313'],
    [-1.5, '-1.50'],
    [123.456, '123'],
    [12_345.6, '12346'],
    [1.5e-7, '1.5e-7'],
    [2_500_000, '2.5e+6'],
  ])('%f is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [-3, '0s'],
    [48.4, '48s'],
    [185, '3m 05s'],
    [8040, '2h 14m'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it('names only the metrics worth a glance', () => {
    expect(keyMetrics(METRICS)).toBe('R 0.0312  Φ data 12.3  Φ particles -1235');
    expect(keyMetrics({ other: 1 })).toBe('');
  });
});

describe('progress without a terminal', () => {
  it('is a line every few seconds and one at the end, with rate and time left', () => {
    const lines: string[] = [];
    const progress = lineProgress((line) => lines.push(line));
    progress.start({ iterations: 100, minutes: null }, { iteration: 0, seconds: 0 });
    for (let i = 1; i <= 14; i++) progress.update({ iteration: i, seconds: i, metrics: METRICS });
    progress.stop();
    progress.stop();
    expect(lines.map((line) => line.split(' · ').slice(0, 3).join(' · '))).toEqual([
      'iteration 5/100 · 1.00 it/s · 1m 35s left',
      'iteration 10/100 · 1.00 it/s · 1m 30s left',
      'iteration 14/100 · 1.00 it/s · 1m 26s left',
    ]);
  });

  it('counts down to whichever comes first, and measures its own session only', () => {
    const lines: string[] = [];
    const progress = lineProgress((line) => lines.push(line), 0);
    progress.start({ iterations: 1000, minutes: 10 }, { iteration: 100, seconds: 500 });
    progress.update({ iteration: 120, seconds: 510, metrics: {} });
    expect(lines).toEqual(['iteration 120/1000 · 2.00 it/s · 1m 30s left']);
  });
});

describe('progress on a terminal', () => {
  it('is a bar with percentage, rate, time left and key metrics', () => {
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    const terminal = Object.assign(stream, { isTTY: true, columns: 120, cursorTo: () => true, clearLine: () => true });
    const progress = barProgress(terminal as unknown as NodeJS.WriteStream);
    progress.start({ iterations: 10, minutes: null }, { iteration: 0, seconds: 0 });
    progress.update({ iteration: 5, seconds: 2, metrics: METRICS });
    progress.stop();
    expect(text).toMatch(/━+─+ 50% · iteration 5 · 2\.50 it\/s · 2s left · R 0\.0312/);
  });
});
