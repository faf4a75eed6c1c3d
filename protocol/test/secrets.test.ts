import { describe, expect, it } from 'vitest';
import { checkedSecrets } from '../secrets.js';
import { fixture } from './fixtures.js';

describe('checkedSecrets', () => {
  it.each(fixture('secrets').map((row) => [row.name, row] as const))(
    'reads %s as the golden file does',
    (_name, { text, secrets }) => {
      expect(checkedSecrets(text, 16)).toEqual(secrets);
    },
  );
});
