import { describe, expect, it } from 'vitest';
import { TEXT_FIELDS } from '../../src/config/sources.js';
import { unknownVariables } from '../../src/config/variables.js';

const found = (...names: string[]) => unknownVariables(Object.fromEntries(names.map((name) => [name, 'x'])));

describe('a variable that nothing reads', () => {
  it.each([
    ['DOBBY_ALOWED_ORIGINS', 'DOBBY_ALLOWED_ORIGINS'],
    ['DOBBY_ALLOWED_ORIGIN', 'DOBBY_ALLOWED_ORIGINS'],
    ['DOBBY_PROT', 'DOBBY_PORT'],
    ['DOBBY_STATEDIR', 'DOBBY_STATE_DIR'],
    ['DOBBY_STATE_FOLDER', 'DOBBY_STATE_DIR'],
    ['DOBBY_APIKEY', 'DOBBY_API_KEY'],
    ['DOBBY_LOGLEVEL', 'DOBBY_LOG_LEVEL'],
    ['DOBBY_TRUSTED_PROXY', 'DOBBY_TRUSTED_PROXIES'],
    ['DOBBY_SESION_URL', 'DOBBY_SESSION_URL'],
    ['dobby_port', 'DOBBY_PORT'],
    ['Dobby_Demo', 'DOBBY_DEMO'],
  ])('%s is found, and the nearest setting is %s', (name, nearest) => {
    expect(found(name)).toEqual([{ name, nearest }]);
  });

  it('is found whatever it is', () => {
    expect(found('DOBBY_', 'DOBBY_XYZZY').map(({ name }) => name)).toEqual(['DOBBY_', 'DOBBY_XYZZY']);
  });
});

describe('a variable', () => {
  it('that is a setting, or read elsewhere, is none of these', () => {
    expect(found(...TEXT_FIELDS.map(({ variable }) => variable))).toEqual([]);
    expect(found('DOBBY_CONFIG', 'DOBBY_URL', 'DOBBY_API_KEY_FILE', 'PATH', 'MY_DOBBY_PORT')).toEqual([]);
  });

  it('that Kubernetes sets beside a service is none of these', () => {
    expect(
      found(
        ...['DOBBY_SERVICE_HOST', 'DOBBY_SERVICE_PORT', 'DOBBY_SERVICE_PORT_HTTP'],
        ...['DOBBY_PORT_4020_TCP', 'DOBBY_PORT_4020_TCP_ADDR'],
      ),
    ).toEqual([]);
  });
});
