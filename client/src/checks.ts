/** Small checks of unknown values, of which the shapes of frames are made. */
import type { Position } from '../../protocol/positions.js';

/** Whether a value is of some kind. */
export type Check = (value: unknown) => boolean;
/** A check, or the shapes of the fields that an object must have; other fields are left alone. */
export type Shape = Check | { readonly [field: string]: Shape };

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

/** Whether `value` has this shape. */
export function fits(value: unknown, shape: Shape): boolean {
  if (typeof shape === 'function') return shape(value);
  return isObject(value) && Object.entries(shape).every(([name, field]) => fits(value[name], field));
}

/** Makes a check of a list. */
export const listOf =
  (shape: Shape): Check =>
  (value) =>
    Array.isArray(value) && value.every((item) => fits(item, shape));

/** Makes a check of what may be missing. */
export const optional =
  (shape: Shape): Check =>
  (value) =>
    value === undefined || fits(value, shape);

/** Whether `value` is a position. */
export function isPosition(value: unknown): value is Position {
  return fits(value, { epoch: isString, offset: isCount });
}
