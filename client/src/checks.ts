/** Small checks of unknown values, of which the shapes of frames are made. */
import type { Position } from '../../protocol/positions.js';

/** Whether a value is of some kind. */
export type Check = (value: unknown) => boolean;
/** The fields that an object must have; others are left alone. */
export type Fields = Readonly<Record<string, Check>>;

/** Whether `value` is a text. */
export const isString = (value: unknown): value is string => typeof value === 'string';
/** Whether `value` is true or false. */
export const isBoolean: Check = (value) => typeof value === 'boolean';
/** Whether `value` is an integer from 0. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` is an object with these fields. */
export const fits = (value: unknown, fields: Fields): boolean =>
  isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

/** Makes a check of a list. */
export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** Makes a check of an object. */
export const objectOf =
  (fields: Fields): Check =>
  (value) =>
    fits(value, fields);

/** Whether `value` is a position. */
export function isPosition(value: unknown): value is Position {
  return fits(value, { epoch: isString, offset: isCount });
}
