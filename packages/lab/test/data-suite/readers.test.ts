import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { float32Data } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import type { Dataset } from 'brownian';
import { describe, expect, it } from 'vitest';
import type { ImageOptions } from '../../src/config/run-config.ts';
import { IMAGE_DEFAULTS } from '../../src/config/schema.ts';
import { measure } from '../../src/data/inspect.ts';
import { openData } from '../../src/data/open.ts';

const SHARED = resolve(import.meta.dirname, '../../../../../shared/data');

async function open(path: string, images: Partial<ImageOptions> = {}, limit: number | null = null): Promise<Dataset> {
  const full = join(SHARED, path);
  if (!existsSync(full)) throw new Error(`${full} is missing; it is part of the shared data that this suite reads.`);
  return await openData(full, { limit, seed: 1, images: { ...IMAGE_DEFAULTS, ...images } });
}

const SILENT = { start: () => undefined, update: () => undefined, stop: () => undefined };

async function labels(data: Dataset): Promise<number[]> {
  const batch = await data.batch(Array.from({ length: data.size }, (_, i) => i));
  return [...(batch.labels?.data ?? [])].map(Number);
}

/** How many of each class. */
function tally(values: readonly number[]): number[] {
  const counts: number[] = [];
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

describe('the real data', () => {
  it('CIFAR-10 has its classes in equal parts and the statistics that are known of it', async () => {
    const data = await open('cifar10');
    expect(data).toMatchObject({ size: 10_000, itemShape: [3, 32, 32] });
    expect(data.classes?.slice(0, 3)).toEqual(['airplane', 'automobile', 'bird']);
    const { channels, classCounts } = await measure(data, SILENT);
    expect(classCounts).toHaveLength(10);
    // Of all 50,000 training images the means are .4914, .4822, .4465 of white and the deviations .2470, .2435, .2616. A mean of
    // 10,000 images, whose own means deviate by about .12, is within 4 × .12/√10,000 = .005 of that, which is .01 in [-1, 1].
    const known = [
      [0.4914, 0.247],
      [0.4822, 0.2435],
      [0.4465, 0.2616],
    ] as const;
    for (const [i, [mean, std]] of known.entries()) {
      expect(Math.abs((channels[i]?.mean ?? 9) - (2 * mean - 1))).toBeLessThan(0.01);
      expect(Math.abs((channels[i]?.std ?? 9) - 2 * std)).toBeLessThan(0.01);
      expect([channels[i]?.min, channels[i]?.max]).toEqual([-1, 1]);
    }
  });

  it('CIFAR-100 has 50 images of each of its classes', async () => {
    const data = await open('cifar100');
    expect(data).toMatchObject({ size: 5000, itemShape: [3, 32, 32] });
    expect(data.classes?.slice(0, 2)).toEqual(['apple', 'aquarium_fish']);
    expect(tally(await labels(data))).toEqual(Array.from({ length: 100 }, () => 50));
  });

  it('CelebA faces are cropped, scaled and drawn from as a stream says', async () => {
    const data = await open('celeba/celeba_10k_89x109_jpeg.tar.gz', { crop: 80, size: 64, flip: true });
    expect(data).toMatchObject({ size: 10_000, itemShape: [3, 64, 64] });
    const indices = [9999, 3, 3, 500];
    const first = await data.batch(indices, createStream(1));
    expect(await data.batch(indices, createStream(1))).toEqual(first);
    // Skin is red before it is blue: channels are in order.
    const { channels } = await measure(
      await open('celeba/celeba_10k_89x109_jpeg.tar.gz', { crop: 80, size: 64 }, 300),
      SILENT,
    );
    const [red = 0, , blue = 0] = channels.map(({ mean }) => mean);
    expect(red - blue).toBeGreaterThan(0.1);
  });

  it('Tiny ImageNet has its classes by folder, and its grey files are in colour', async () => {
    const data = await open('tiny-imagenet/tiny_imagenet_20x100_jpeg.tar.gz');
    expect(data).toMatchObject({ size: 2000, itemShape: [3, 64, 64] });
    expect(data.classes).toHaveLength(20);
    expect(tally(await labels(data))).toEqual(Array.from({ length: 20 }, () => 100));
  });

  it('scenes come in parts, and all are grey', async () => {
    const data = await open('scenes/scene15_bedroom216_others20_gray_jpeg.tar.gz', { size: 64 });
    expect(data.itemShape).toEqual([1, 64, 64]);
    expect(data.classes).toContain('Bedroom');
    const all = await data.batch(Array.from({ length: data.size }, (_, i) => i));
    expect(float32Data(all.x).every((value) => value >= -1 && value <= 1)).toBe(true);
  });

  it('textures of many sizes are refused without --images.size and read with it', async () => {
    const archive = 'textures/dtd_60_jpeg.tar.gz';
    const mixed = await open(archive);
    await expect(mixed.batch(Array.from({ length: 60 }, (_, i) => i))).rejects.toThrow(
      'give all one size with --images.size',
    );
    expect(tally(await labels(await open(archive, { size: 64 })))).toEqual(Array.from({ length: 10 }, () => 6));
    expect((await open('textures/skimage_brick.png')).itemShape).toEqual([1, 512, 512]);
  });
});
