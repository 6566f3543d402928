import type { z } from 'zod';
import { UserError } from '../errors.ts';
import { type Field, FIELDS, allowed, flagOf } from './fields.ts';
import { nearest } from './suggest.ts';

/** Where settings were written: flags of the command line, or a file of this name. */
export type Source = { readonly kind: 'flag' } | { readonly kind: 'file'; readonly name: string };

const GROUPS: readonly string[] = [...new Set(FIELDS.map((field) => field.group))].filter((group) => group !== '');

/** Names a group's options, or the top-level options and groups when `group` is ''. */
function keysOf(group: string): string[] {
  const fields = FIELDS.filter((field) => field.group === group).map((field) => field.path);
  return group === '' ? [...fields, ...GROUPS] : fields;
}

/** A value as an error shows it: JSON, shortened. */
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = raw;
  for (const key of path)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

/** The sentence for a key that no option has. */
export function unknownKey(path: string, group: string, where: string): string {
  const guess = nearest(
    path,
    FIELDS.map((field) => field.path),
  );
  if (guess !== undefined) return `There is no option "${path}"${where}; did you mean "${guess}"?`;
  const list = keysOf(group).join(', ');
  return `There is no option "${path}"${where}; ${group === '' ? 'the options' : `those of ${group}`} are ${list}.`;
}

function badValue(field: Field, value: unknown, source: Source): string {
  if (source.kind === 'flag') return `${flagOf(field)} is ${show(value)}; it must be ${allowed(field, 'flag')}.`;
  return `"${field.path}" in ${source.name} is ${show(value)}; it must be ${allowed(field, 'file')}.`;
}

/**
 * One sentence for what zod found: it names the option, its value and what is allowed.
 *
 * @param issues at least one; further ones are only counted.
 * @param raw the value that was checked.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], raw: unknown, source: Source): string {
  const issue = issues[0];
  if (issue === undefined) throw new RangeError('describeIssues() needs an issue.');
  const where = source.kind === 'file' ? ` in ${source.name}` : '';
  const keys = issue.path.filter((key) => typeof key === 'string');
  const more =
    issues.length > 1 ? ` (${issues.length - 1} more ${issues.length === 2 ? 'problem' : 'problems'} after it.)` : '';
  if (issue.code === 'unrecognized_keys') {
    const path = [...keys, ...issue.keys.slice(0, 1)].join('.');
    return unknownKey(path, keys.join('.'), where) + more;
  }
  const field = FIELDS.find((candidate) => candidate.path === keys.join('.'));
  if (field !== undefined) return badValue(field, valueAt(raw, keys), source) + more;
  const name = keys.length === 0 ? 'The configuration' : `"${keys.join('.')}"`;
  const inside = keys.length === 0 ? 'options' : `the options ${keysOf(keys.join('.')).join(', ')}`;
  return `${name}${where} is ${show(valueAt(raw, keys))}; it must be a JSON object of ${inside}.${more}`;
}

/** Checks `raw` against a schema. @throws UserError with one sentence when it does not fit. */
export function check<T>(schema: z.ZodType<T>, raw: unknown, source: Source): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw new UserError(describeIssues(result.error.issues, raw, source));
}
