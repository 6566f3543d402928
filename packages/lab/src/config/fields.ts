import type { Family } from 'brownian';
import { z } from 'zod';
import { FAMILY_CONFIGS } from './families.ts';
import { configSchema } from './schema.ts';
import { kebab } from './suggest.ts';

/** One option of a run, as the schema describes it. */
export interface Field {
  /** Where it stands in a configuration file, such as `langevin.steps`. */
  readonly path: string;
  /** The part of `path` before the dot; '' for options of the run itself. */
  readonly group: string;
  /** Whose models have it. */
  readonly families: readonly Family[];
  readonly kind: 'integer' | 'number' | 'boolean' | 'string' | 'choice' | 'list' | 'pair';
  readonly nullable: boolean;
  /** Whether the items of a list are whole numbers. */
  readonly whole: boolean;
  readonly choices: readonly string[];
  /** Bounds of a number, or of the items of a list; exclusive ones are marked. */
  readonly low?: { readonly value: number; readonly exclusive: boolean };
  readonly high?: { readonly value: number; readonly exclusive: boolean };
  readonly description: string;
  readonly unit: string;
}

/** The part of JSON Schema that zod writes for our schemas. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly description?: string;
  readonly unit?: string;
}

function bound(inclusive: number | undefined, exclusive: number | undefined): Field['low'] {
  if (exclusive !== undefined) return { value: exclusive, exclusive: true };
  // zod writes the safe-integer range of every integer: that is no bound a person set.
  if (inclusive === undefined || Math.abs(inclusive) === Number.MAX_SAFE_INTEGER) return undefined;
  return { value: inclusive, exclusive: false };
}

function kindOf(path: string, schema: JsonSchema): Field['kind'] {
  if (schema.enum !== undefined) return 'choice';
  if (schema.prefixItems !== undefined) return 'pair';
  if (schema.type === 'array') return 'list';
  if (schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean' || schema.type === 'string') {
    return schema.type;
  }
  throw new TypeError(`The schema of "${path}" is of a kind the command line cannot offer.`);
}

type FieldText = Omit<Field, 'families'>;

function fieldOf(path: string, group: string, schema: JsonSchema): FieldText {
  const options =
    schema.anyOf ?? (Array.isArray(schema.type) ? schema.type.map((type: string) => ({ ...schema, type })) : [schema]);
  const inner = options.find((option) => option.type !== 'null') ?? schema;
  const kind = kindOf(path, inner);
  const numbers = kind === 'list' && typeof inner.items === 'object' ? inner.items : inner;
  const low = bound(numbers.minimum, numbers.exclusiveMinimum);
  const high = bound(numbers.maximum, numbers.exclusiveMaximum);
  return {
    path,
    group,
    kind,
    nullable: options.some((option) => option.type === 'null'),
    whole: numbers.type === 'integer',
    choices: (inner.enum ?? []).map(String),
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    description: schema.description ?? '',
    unit: schema.unit ?? '',
  };
}

/** The options of a family's runs, in the order of its schema. */
function familyFields(family: Family): FieldText[] {
  const root = z.toJSONSchema(configSchema(family)) as JsonSchema;
  return Object.entries(root.properties ?? {}).flatMap(([key, schema]) =>
    schema.properties === undefined
      ? [fieldOf(key, '', schema)]
      : Object.entries(schema.properties).map(([name, inner]) => fieldOf(`${key}.${name}`, key, inner)),
  );
}

/** @throws TypeError when a path stands for different options in two families: flags are parsed before the model is known */
function readFields(): Field[] {
  const fields = new Map<string, FieldText & { readonly families: Family[] }>();
  for (const family of Object.keys(FAMILY_CONFIGS) as Family[]) {
    for (const text of familyFields(family)) {
      const known = fields.get(text.path);
      if (known === undefined) {
        fields.set(text.path, { ...text, families: [family] });
        continue;
      }
      const { families, ...other } = known;
      if (JSON.stringify(other) !== JSON.stringify(text))
        throw new TypeError(
          `"${text.path}" is one option in the ${families[0]} family and another in the ${family} one.`,
        );
      families.push(family);
    }
  }
  return [...fields.values()];
}

/** Every option of the runs of any model, family by family. */
export const FIELDS: readonly Field[] = readFields();

function range(field: Field): string {
  const { low, high } = field;
  if (low !== undefined && high !== undefined) {
    if (!low.exclusive && !high.exclusive) return ` from ${low.value} to ${high.value}`;
    return ` ${low.exclusive ? 'above' : 'of at least'} ${low.value} and ${high.exclusive ? 'below' : 'at most'} ${high.value}`;
  }
  if (low !== undefined) return low.exclusive ? ` above ${low.value}` : ` of at least ${low.value}`;
  if (high !== undefined) return high.exclusive ? ` below ${high.value}` : ` of at most ${high.value}`;
  return '';
}

/**
 * What an option may be, in words that complete "it must be".
 *
 * @param source `flag` writes lists and nothing as the command line does, `file` as JSON does.
 */
export function allowed(field: Field, source: 'flag' | 'file'): string {
  const flag = source === 'flag';
  const base = {
    integer: `a whole number${range(field)}`,
    number: `a number${range(field)}`,
    boolean: 'true or false',
    string: 'a piece of text',
    choice: `one of ${field.choices.join(', ')}`,
    list: `a list of ${field.whole ? 'whole ' : ''}numbers${range(field)} such as ${flag ? '16,32,64' : '[16, 32, 64]'}`,
    pair: `two numbers such as ${flag ? '-1,1' : '[-1, 1]'}`,
  }[field.kind];
  return field.nullable ? `${base}, or ${flag ? 'none' : 'null'}` : base;
}

/** The flag of an option, such as `--flow.energy-l2`. */
export function flagOf(field: Field): string {
  return `--${kebab(field.path)}`;
}

/** The value of an option in a configuration, or in a part of one; undefined when it is not there. */
export function valueOf(tree: Readonly<Record<string, unknown>>, field: Field): unknown {
  if (field.group === '') return tree[field.path];
  const group = (tree[field.group] ?? {}) as Readonly<Record<string, unknown>>;
  return group[keyOf(field)];
}

/** The name of an option inside its group. */
export function keyOf(field: Field): string {
  return field.path.slice(field.group === '' ? 0 : field.group.length + 1);
}

/** The value of an option as text, such as `16,32,64` or `none`. */
export function valueText(value: unknown, separator = ','): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(separator);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
