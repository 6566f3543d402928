import { Buffer } from 'node:buffer';
import { crc32, deflateRawSync } from 'node:zlib';
import { type NDArray, ndarray } from '@brownian/graph';
import { encodeNpy } from 'brownian';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { pack } from 'tar-stream';

/** Files of an archive by their paths. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** The bytes of a tar archive. */
export async function tarBytes(files: Files): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes as Uint8Array));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

function record(signature: number, fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  const out = Buffer.alloc(4 + fields.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = out.writeUInt32LE(signature, 0);
  for (const [bytes, value] of fields) at = out.writeUIntLE(value, at, bytes);
  return out;
}

/** The bytes of a zip archive, its files deflated or stored. */
export function zipBytes(files: Files, deflate = true): Uint8Array {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [path, content] of Object.entries(files)) {
    const [name, bytes] = [Buffer.from(path), Buffer.from(content as Uint8Array)];
    const packed = deflate ? deflateRawSync(bytes) : bytes;
    const facts = [
      [2, 20],
      [2, 0],
      [2, deflate ? 8 : 0],
      [4, 0],
      [4, crc32(bytes)],
      [4, packed.length],
      [4, bytes.length],
      [2, name.length],
      [2, 0],
    ] as const;
    const head = record(0x04034b50, facts);
    local.push(head, name, packed);
    const place = [
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, at],
    ] as const;
    central.push(record(0x02014b50, [[2, 20], ...facts, ...place]), name);
    at += head.length + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const n = Object.keys(files).length;
  const end = record(0x06054b50, [
    [2, 0],
    [2, 0],
    [2, n],
    [2, n],
    [4, directory.length],
    [4, at],
    [2, 0],
  ]);
  return new Uint8Array(Buffer.concat([...local, directory, end]));
}

/** The bytes of an `.npy` file. */
export function npyBytes(array: NDArray): Uint8Array {
  return new Uint8Array(Buffer.concat(encodeNpy(array)));
}

/** The bytes of an `.npy` file of uint8, which an NDArray does not hold as such. */
export function npyOfBytes(shape: readonly number[], value: (i: number) => number): Uint8Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const bytes = npyBytes(
    ndarray(
      Uint8Array.from({ length: size }, (_, i) => value(i)),
      [...shape],
    ),
  );
  bytes.set(Buffer.from('|u1'), Buffer.from(bytes).indexOf('|b1'));
  return bytes;
}

/** How a picture is made. */
export interface PictureOptions {
  readonly width?: number;
  readonly height?: number;
  readonly grey?: boolean;
  readonly format?: 'png' | 'jpeg' | 'webp';
}

/** An image file whose pixels depend on `seed`; as PNG or lossless WebP they are exactly {@link pixelAt}. */
export async function pictureBytes(seed: number, options: PictureOptions = {}): Promise<Uint8Array> {
  const { width = 6, height = 6, grey = false, format = 'png' } = options;
  const channels = grey ? 1 : 3;
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) =>
    pixelAt(seed, i % channels, Math.floor(i / channels)),
  );
  const image = sharp(data, { raw: { width, height, channels } });
  if (format === 'webp') return new Uint8Array(await image.webp({ lossless: true }).toBuffer());
  if (format === 'jpeg') return new Uint8Array(await image.jpeg().toBuffer());
  return new Uint8Array(await (grey ? image.toColourspace('b-w') : image).png().toBuffer());
}

/** The level of a channel of a pixel of {@link pictureBytes}. */
export function pixelAt(seed: number, channel: number, pixel: number): number {
  return (seed * 31 + channel * 85 + pixel * 7) % 256;
}

/** A Parquet file as data-set hubs serve them: a struct of bytes and path, a label, and the names of the classes in a note. */
export function parquetBytes(
  images: readonly Uint8Array[],
  labels: readonly number[],
  classes: readonly string[],
): Uint8Array {
  const features = { image: { _type: 'Image' }, label: { names: classes, _type: 'ClassLabel' } };
  const schema = [
    { name: 'root', num_children: 2 },
    { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' as const },
    { name: 'bytes', type: 'BYTE_ARRAY' as const, repetition_type: 'OPTIONAL' as const },
    {
      name: 'path',
      type: 'BYTE_ARRAY' as const,
      converted_type: 'UTF8' as const,
      repetition_type: 'OPTIONAL' as const,
    },
    { name: 'label', type: 'INT64' as const, repetition_type: 'OPTIONAL' as const },
  ];
  const buffer = parquetWriteBuffer({
    schema,
    columnData: [
      { name: 'image', data: images.map((bytes, i) => ({ bytes, path: `${i}.png` })) },
      { name: 'label', data: labels.map(BigInt) },
    ],
    rowGroupSize: 3,
    kvMetadata: [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }],
  });
  return new Uint8Array(buffer);
}

/** Records of CIFAR-10 (one label byte) or CIFAR-100 (two). */
export function cifarBytes(labels: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    labels.flatMap((label, i) => [...label, ...Array.from({ length: 3072 }, (_, p) => (i * 50 + p) % 256)]),
  );
}
