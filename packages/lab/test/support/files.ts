import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is gone when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'brownian-lab-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The bytes of an IDX file: unsigned bytes of this shape. */
export function idxBytes(shape: readonly number[], value: (i: number) => number): Uint8Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const bytes = new Uint8Array(4 + 4 * shape.length + size);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((axis, i) => view.setUint32(4 + 4 * i, axis));
  for (let i = 0; i < size; i++) bytes[4 + 4 * shape.length + i] = value(i);
  return bytes;
}

/** Writes a folder of forty images of 6×6 pixels with labels, and returns its path. */
export function tinyImages(folder: string): string {
  writeFileSync(
    join(folder, 'train-images-idx3-ubyte'),
    idxBytes([40, 6, 6], (i) => (i * 37) % 256),
  );
  writeFileSync(
    join(folder, 'train-labels-idx1-ubyte'),
    idxBytes([40], (i) => i % 3),
  );
  return folder;
}

/** Writes a folder of grey images of 12×12 pixels, forty to learn from and twelve held out, with labels of three classes or without, and returns its path. */
export function digitFiles(folder: string, labelled = false): string {
  for (const [part, count] of [['train', 40] as const, ['t10k', 12] as const]) {
    // Blocks of four shades, so that neighbours tell something of a missing pixel.
    const shade = (i: number): number => (Math.floor((i % 12) / 4) * 60 + Math.floor(i / 48) * 37 + count) % 256;
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), idxBytes([count, 12, 12], shade));
    const labels = idxBytes([count], (i) => i % 3);
    if (labelled) writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), labels);
  }
  return folder;
}

/** Writes a folder of grey images of 12×12 pixels, and returns its path. */
export function idxFolder(count: number, value: (i: number) => number): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'train-images-idx3-ubyte'), idxBytes([count, 12, 12], value));
  return folder;
}
