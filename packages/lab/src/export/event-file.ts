import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import crc32c from 'crc-32/crc32c.js';

/** A PNG with its size. */
export interface EventImage {
  readonly height: number;
  readonly width: number;
  readonly png: Uint8Array;
}

/** An event of a TensorBoard file. */
export interface TensorboardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Iterations done. */
  readonly step: number;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly images?: Readonly<Record<string, EventImage>>;
}

/** Field numbers of tensorflow.Event, Summary, Summary.Value and Summary.Image (event.proto, summary.proto). */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2, image: 4 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const RGB = 3;

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function begin(wallTime: number): BinaryWriter {
  return new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
}

function encodeEvent({ wallTime, step, scalars = {}, images = {} }: TensorboardEvent): Uint8Array {
  const writer = begin(wallTime).tag(EVENT.step, WireType.Varint).int64(step);
  message(writer, EVENT.summary, (summary) => {
    for (const [tag, value] of Object.entries(scalars)) {
      message(summary, SUMMARY_VALUE, (entry) =>
        entry.tag(VALUE.tag, WireType.LengthDelimited).string(tag).tag(VALUE.simpleValue, WireType.Bit32).float(value),
      );
    }
    for (const [tag, { height, width, png }] of Object.entries(images)) {
      message(summary, SUMMARY_VALUE, (entry) => {
        entry.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
        message(entry, VALUE.image, (image) =>
          image
            .tag(IMAGE.height, WireType.Varint)
            .int32(height)
            .tag(IMAGE.width, WireType.Varint)
            .int32(width)
            .tag(IMAGE.colorspace, WireType.Varint)
            .int32(RGB)
            .tag(IMAGE.encoded, WireType.LengthDelimited)
            .bytes(png),
        );
      });
    }
  });
  return writer.finish();
}

/** CRC-32C, rotated and offset as TFRecord wants it, so that a checksum of data with checksums in them is no weakness. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A TFRecord: length (uint64), its masked CRC, the data, their masked CRC; all little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return bytes;
}

/**
 * A TensorBoard event file: TFRecords of `tensorflow.Event` messages, the first of which states the version.
 *
 * @param wallTime of the first event, in seconds since 1970.
 */
export function encodeEventFile(wallTime: number, events: readonly TensorboardEvent[]): Uint8Array[] {
  const version = begin(wallTime).tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2').finish();
  return [record(version), ...events.map((event) => record(encodeEvent(event)))];
}
