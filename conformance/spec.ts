import { type Reference, ReferenceError } from './reference.ts';

/** One field of a spec. */
export interface Field<T> {
  /** The values it takes, in words. */
  readonly takes: string;
  readonly is: (value: unknown) => boolean;
  /** What it means to leave the field out; null where a file must have it. */
  readonly otherwise: { readonly value: T } | null;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function areNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber);
}

export const number: Field<number> = { takes: 'a number', is: isNumber, otherwise: null };
export const count: Field<number> = {
  takes: 'a whole number of at least 0',
  is: (value) => Number.isInteger(value) && Number(value) >= 0,
  otherwise: null,
};
export const flag: Field<boolean> = {
  takes: 'true or false',
  is: (value) => typeof value === 'boolean',
  otherwise: null,
};
export const range: Field<readonly [number, number]> = {
  takes: '[low, high]',
  is: (value) => areNumbers(value) && value.length === 2 && Number(value[0]) < Number(value[1]),
  otherwise: null,
};

/** One of these values. */
export function oneOf<const T extends string | number>(values: readonly T[]): Field<T> {
  const takes = values.map((value) => JSON.stringify(value)).join(' or ');
  return { takes, is: (value) => values.includes(value as T), otherwise: null };
}

/** A list of at least one of these names, each once. */
export function someOf<const T extends string>(names: readonly T[]): Field<readonly T[]> {
  const is = (value: unknown): boolean =>
    Array.isArray(value) && new Set(value).size === value.length && value.every((name) => names.includes(name as T));
  return { takes: `a list of ${names.join(', ')}, each at most once`, is, otherwise: null };
}

/** A number, or a list of as many numbers as one of `lengths`. */
export function numbers<T = number | readonly number[]>(takes: string, ...lengths: readonly number[]): Field<T> {
  return {
    takes,
    is: (value) => isNumber(value) || (areNumbers(value) && (lengths.length === 0 || lengths.includes(value.length))),
    otherwise: null,
  };
}

/** A field that may be null. */
export function orNull<T>(field: Field<T>): Field<T | null> {
  return { ...field, takes: `${field.takes} or null`, is: (value) => value === null || field.is(value) };
}

/** A field that files may leave out. */
export function optional<T, D extends T | undefined>(field: Field<T>, value: D): Field<T | D> {
  return { ...field, otherwise: { value } };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'it has none' : `known are ${names.join(', ')}`;
}

/**
 * The fields of a spec. What a kind does not read it does not know, so that no option of a file is ignored.
 *
 * @throws ReferenceError naming a field that is not known, is missing, or has another value than it takes
 */
export function readSpec<F extends Fields>({ kind, spec }: Reference, fields: F): Values<F> {
  const stranger = Object.keys(spec).find((name) => !Object.hasOwn(fields, name));
  if (stranger !== undefined)
    throw new ReferenceError(
      `spec.${stranger} is not known for a reference of kind "${kind}"; ${listed(Object.keys(fields))}.`,
    );
  const values = Object.entries(fields).map(([name, field]) => {
    const value = spec[name];
    if (value === undefined && field.otherwise !== null) return [name, field.otherwise.value];
    if (value === undefined)
      throw new ReferenceError(`a reference of kind "${kind}" needs spec.${name}, ${field.takes}.`);
    if (!field.is(value))
      throw new ReferenceError(`spec.${name} is ${JSON.stringify(value)}; it takes ${field.takes}.`);
    return [name, value];
  });
  return Object.fromEntries(values) as Values<F>;
}

/** What a file gives by one of two names, such as a word and the symbol of a paper. @throws ReferenceError when it gives both */
export function eitherOf<T>(pair: Readonly<Record<string, T | undefined>>): T | undefined {
  const given = Object.entries(pair).filter(([, value]) => value !== undefined);
  if (given.length > 1)
    throw new ReferenceError(`${given.map(([name]) => `spec.${name}`).join(' and ')} are the same; give one of them.`);
  return given[0]?.[1];
}

/** @throws ReferenceError naming an input that a kind would ignore */
export function requireKnownInputs({ kind, inputs }: Reference, names: readonly string[]): void {
  const stranger = Object.keys(inputs).find((name) => !names.includes(name));
  if (stranger !== undefined)
    throw new ReferenceError(`inputs.${stranger} is not known for a reference of kind "${kind}"; ${listed(names)}.`);
}
