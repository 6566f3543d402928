import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import { describe, expect, it } from 'vitest';
import { UserError } from '../src/errors.ts';
import { readTensors, writeTensors } from '../src/runs/safetensors.ts';
import { temporaryFolder } from './support/files.ts';

const LABELS = ndarray(Int32Array.of(-1, 2 ** 31 - 1));

describe('safetensors files', () => {
  it('are written and read', async () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    await writeTensors(path, { tensors: new Map([['labels', LABELS]]), metadata: { π: 'yes' } });
    const { tensors, metadata } = await readTensors(path);
    expect(tensors.get('labels')).toEqual(LABELS);
    expect(metadata).toEqual({ π: 'yes' });
  });

  it('that are missing or damaged are named', async () => {
    const missing = '/nowhere/x.safetensors';
    await expect(readTensors(missing)).rejects.toThrow(`Cannot read ${missing}: it does not exist.`);
    const path = join(temporaryFolder(), 'x.safetensors');
    writeFileSync(path, 'no');
    await expect(readTensors(path)).rejects.toThrow(UserError);
    await expect(readTensors(path)).rejects.toThrow(`${path} is not a valid safetensors file: it has 2 bytes`);
  });

  it('say why they cannot be written', async () => {
    const path = join(temporaryFolder(), 'missing', 'x.safetensors');
    const writing = writeTensors(path, { tensors: new Map(), metadata: {} });
    await expect(writing).rejects.toThrow(`Cannot write ${path}: it does not exist.`);
  });
});
