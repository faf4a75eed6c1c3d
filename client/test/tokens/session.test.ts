import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PomonaError } from '../../src/index.js';
import { withTokens } from '../../src/tokens/index.js';
import { settled } from '../support.js';
import { later, TokenStage } from './support.js';

const HOUR = 3_600_000;

/** One that is open with the token `s1`, good for an hour, of which nobody asks any more. */
async function open(): Promise<TokenStage> {
  const stage = new TokenStage(['session']);
  await stage.transport.opens({ tokenExpiresInMs: HOUR, pingIntervalMs: HOUR * 24 });
  stage.questions();
  return stage;
}

/** Whole errors, not only their codes. */
function errorsOf(stage: TokenStage): PomonaError[] {
  const errors: PomonaError[] = [];
  stage.pomona.on('error', (error) => errors.push(error));
  return errors;
}

afterEach(() => vi.unstubAllGlobals());

describe('an opening', () => {
  it('asks for a token first, and names it', async () => {
    const stage = new TokenStage(['session']);
    expect(stage.asked).toEqual([]);
    await stage.transport.opens();
    expect(stage.asked).toEqual(['session open']);
    expect(stage.transport.open).toEqual({ type: 'open', protocol: 1, token: 's1' });
  });

  it('of a Pomona that is reopened asks for the token of the visitor who is there now', async () => {
    const stage = await open();
    stage.pomona.reopen();
    await settled();
    await stage.transport.opens({ id: 'two' });
    expect([stage.questions(), stage.transport.open]).toMatchObject([['session open'], { token: 's2' }]);
  });

  it('waits until the token is there', async () => {
    const stage = new TokenStage(['session']);
    const { promise, give } = later();
    stage.session = () => promise;
    await stage.clock.advance(60_000);
    expect([stage.transport.context, stage.pomona.state]).toEqual([undefined, 'connecting']);
    give('late');
    await stage.transport.opens();
    expect(stage.transport.open).toMatchObject({ token: 'late' });
  });

  it('asks nobody and names nothing without a source', async () => {
    const stage = new TokenStage([]);
    stage.pomona.connect('a', () => {});
    await stage.transport.opens({ tokenExpiresInMs: 1_000 });
    expect(stage.transport.open).toEqual({ type: 'open', protocol: 1, paths: [{ path: 'a' }] });
    expect(stage.transport.sent).toEqual([]);
  });

  it('uses the token that is held as long as it is fresh, beside the ticket', async () => {
    const stage = await open();
    await stage.clock.advance(HOUR * 0.8 - 1_000);
    await stage.comesBack();
    await stage.transport.opens({ connection: 2, resumed: true });
    expect([stage.asked, stage.transport.open]).toEqual([
      [],
      { type: 'open', protocol: 1, ticket: 'ticket-1', token: 's1' },
    ]);
  });

  it('asks for another when four fifths of its time went by without a connection', async () => {
    const stage = await open();
    await stage.transport.ends({ reconnectAfterMs: 600_000 });
    stage.clock.sleep(HOUR * 0.8);
    await stage.clock.advance(0);
    await stage.transport.opens({ connection: 2 });
    expect([stage.asked, stage.transport.open]).toMatchObject([['session renew'], { token: 's2' }]);
  });

  it.each([
    { code: 4007 },
    { code: 4100 },
    { error: 'bad_token' },
    { error: 'expired_token' },
    { error: 'revoked_token' },
    { code: 4007, error: 'expired_token' },
  ])('asks for another, as `refused`, after %j', async (end) => {
    const stage = await open();
    await stage.comesBack(end);
    await stage.transport.opens({ connection: 2 });
    expect([stage.asked, stage.transport.open]).toMatchObject([['session refused'], { token: 's2' }]);
    expect(stage.transport.open?.ticket).toBe(end.code === 4100 ? undefined : 'ticket-1');
  });

  it('does not ask for another because a connection was lost, or nobody could say who is asking', async () => {
    for (const end of [{}, { code: 4006, error: 'keys_unavailable' }, { code: 4008 }, { code: 4000 }]) {
      const stage = await open();
      await stage.comesBack(end);
      expect(stage.asked).toEqual([]);
    }
  });

  it('that is refused again and again asks in growing windows', async () => {
    const stage = new TokenStage(['session']);
    await settled();
    for (const waitMs of [250, 500, 1_000]) {
      stage.questions();
      stage.transport.asks();
      await stage.transport.says({ type: 'error', code: 'bad_token', message: 'no' });
      await stage.transport.says({ type: 'closing', code: 4007, message: 'no', error: 'bad_token' });
      await stage.clock.advance(waitMs - 1);
      expect(stage.asked).toEqual([]);
      await stage.clock.advance(1);
      expect(stage.asked).toEqual(['session refused']);
    }
    expect(stage.told('error')).toEqual(['bad_token', 'bad_token', 'bad_token']);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('away'))],
    [
      'throws at once',
      () => {
        throw new Error('away');
      },
    ],
    ['gives nothing', () => undefined],
    ['gives null', () => null],
    ['gives no text', () => 7],
    ['gives an empty text', () => ''],
    ['gives a whole page', () => 'x'.repeat(16_385)],
  ])('waits and tries again when the source %s', async (_what, source) => {
    const stage = new TokenStage(['session']);
    const errors = errorsOf(stage);
    stage.session = source;
    await settled();
    expect([stage.pomona.state, stage.transport.context]).toEqual(['waiting', undefined]);
    expect(errors).toMatchObject([
      { code: 'token_failed', message: expect.stringContaining('token of the session') },
    ]);
    expect(errors[0]?.cause).toMatchObject({ message: expect.stringMatching(/^(away|That is no token.)$/) });
    await stage.clock.advance(249);
    expect(stage.asked.length).toBe(1);
    await stage.clock.advance(1);
    expect([stage.asked, errors.length]).toEqual([['session open', 'session open'], 2]);
    stage.session = () => 'good';
    await stage.clock.advance(500);
    await stage.transport.opens();
    expect(stage.transport.open).toMatchObject({ token: 'good' });
  });

  it('does not begin when Pomona was closed while the token was fetched', async () => {
    const stage = new TokenStage(['session']);
    const { promise, give } = later();
    stage.session = () => promise;
    await settled();
    stage.pomona.close();
    give('late');
    await settled();
    expect([stage.transport.context, stage.clock.pending]).toEqual([undefined, 0]);
  });
});

describe('a renewal', () => {
  it('asks at four fifths of the time, sends the new token, and begins anew with `renewed`', async () => {
    const stage = await open();
    await stage.clock.advance(HOUR * 0.8 - 1);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(1);
    expect([stage.questions(), stage.transport.sent]).toEqual([
      ['session renew'],
      [{ type: 'token', n: 1, token: 's2' }],
    ]);
    await stage.clock.advance(HOUR);
    expect(stage.asked).toEqual([]);
    await stage.transport.says({ type: 'renewed', expiresInMs: 10_000 });
    await stage.clock.advance(8_000);
    expect([stage.asked, stage.transport.sent[1]]).toEqual([
      ['session renew'],
      { type: 'token', n: 2, token: 's3' },
    ]);
  });

  it('leaves its token to the next opening', async () => {
    const stage = await open();
    await stage.clock.advance(HOUR * 0.8);
    await stage.comesBack();
    await stage.transport.opens({ connection: 2 });
    expect([stage.asked, stage.transport.open]).toMatchObject([['session renew'], { token: 's2' }]);
  });

  it('that is under way when the connection is lost is waited for by the opening, and told by it alone', async () => {
    const stage = await open();
    const { promise, give } = later();
    stage.session = () => promise;
    await stage.clock.advance(HOUR * 0.8);
    await stage.transport.ends();
    await stage.clock.advance(20_000);
    expect([stage.transports.length, stage.pomona.state]).toEqual([1, 'connecting']);
    give('late');
    await settled();
    await stage.transport.opens({ connection: 2 });
    expect([stage.asked, stage.transport.open]).toMatchObject([['session renew'], { token: 'late' }]);
    expect(stage.transports.flatMap(({ sent }) => sent)).toEqual([]);
  });

  it('that fails is told and tried again in growing windows, until it succeeds', async () => {
    const stage = await open();
    const errors = errorsOf(stage);
    const cause = new Error('away');
    stage.session = () => Promise.reject(cause);
    await stage.clock.advance(HOUR * 0.8);
    for (const [index, waitMs] of [250, 500, 1_000].entries()) {
      expect(errors.length).toBe(index + 1);
      await stage.clock.advance(waitMs - 1);
      expect(errors.length).toBe(index + 1);
      await stage.clock.advance(1);
    }
    expect(errors[0]).toMatchObject({ code: 'token_failed', cause });
    stage.session = () => 'good';
    await stage.clock.advance(2_000);
    expect(stage.transport.sent).toEqual([{ type: 'token', n: 1, token: 'good' }]);
    expect([stage.pomona.state, stage.asked.at(-1)]).toEqual(['open', 'session renew']);
    await stage.transport.says({ type: 'renewed', expiresInMs: 10_000 });
    stage.session = () => Promise.reject(cause);
    await stage.clock.advance(8_000);
    stage.questions();
    await stage.clock.advance(250);
    expect(stage.asked).toEqual(['session renew']);
  });

  it.each([
    ['revoked_token', 'session refused'],
    ['keys_unavailable', 'session renew'],
  ])(
    'that Dobby refuses with %s is told, and tried again as `%s`, with growing waits',
    async (code, question) => {
      const stage = await open();
      const errors = errorsOf(stage);
      await stage.clock.advance(HOUR * 0.8);
      for (const [index, waitMs] of [250, 500].entries()) {
        stage.questions();
        const frame = { type: 'error', code, message: 'no', n: index + 1 };
        await stage.transport.says(frame);
        expect(errors.at(-1)).toMatchObject({ code: 'token_failed', cause: frame });
        await stage.clock.advance(waitMs - 1);
        expect(stage.asked).toEqual([]);
        await stage.clock.advance(1);
        expect(stage.asked).toEqual([question]);
      }
      expect(stage.transport.sentOf('token').map(({ token }) => token)).toEqual(['s2', 's3', 's4']);
    },
  );

  it('whose number was lost opens a new connection, and one of other frames is no concern of it', async () => {
    const stage = await open();
    await stage.clock.advance(HOUR * 0.8);
    await stage.transport.says({ type: 'error', code: 'bad_field', message: 'no', n: 7 });
    expect(stage.told('error')).toEqual(['bad_field']);
    await stage.transport.says({ type: 'error', code: 'bad_sequence', message: 'no', n: 1 });
    expect(stage.pomona.state).toBe('waiting');
  });

  it('is done at once when the page wakes after its time, and not before', async () => {
    const listeners = new Map<string, () => void>();
    vi.stubGlobal('addEventListener', (name: string, run: () => void) => listeners.set(name, run));
    const stage = await open();
    listeners.get('online')?.();
    expect(stage.asked).toEqual([]);
    stage.clock.sleep(HOUR * 0.9);
    listeners.get('online')?.();
    expect(stage.asked).toEqual(['session renew']);
    listeners.get('online')?.();
    await settled();
    expect(stage.transport.sentOf('token')).toEqual([{ type: 'token', n: 1, token: 's2' }]);
  });

  it('of a page that slept through the expiry is the answer to the refusal, and the ticket is used', async () => {
    const stage = await open();
    stage.clock.sleep(HOUR * 2);
    await stage.transport.says({ type: 'closing', code: 4007, message: 'expired', error: 'expired_token' });
    await stage.clock.advance(250);
    await stage.transport.opens({ connection: 2, resumed: true, tokenExpiresInMs: HOUR });
    expect([stage.asked, stage.transport.open]).toMatchObject([
      ['session refused'],
      { ticket: 'ticket-1', token: 's2' },
    ]);
  });

  it('of a token that lives shorter than a second is no loop', async () => {
    const stage = await open();
    await stage.transport.says({ type: 'renewed', expiresInMs: 0 });
    await stage.clock.advance(999);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(1);
    expect(stage.asked).toEqual(['session renew']);
  });

  it('of a token that lives longer than a timer can wait is not early', async () => {
    const stage = new TokenStage(['session']);
    const timers: number[] = [];
    const { setTimeout } = stage.clock;
    stage.clock.setTimeout = (run, ms) => {
      timers.push(ms);
      return setTimeout.call(stage.clock, run, ms);
    };
    await stage.transport.opens({ tokenExpiresInMs: 2 ** 33, pingIntervalMs: 2 ** 40 });
    stage.questions();
    expect(timers.at(-1)).toBe(2 ** 31 - 1);
    await stage.clock.advance(2 ** 33 * 0.8 - 1);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(1);
    expect(stage.asked).toEqual(['session renew']);
  });

  it('is not due where Dobby names no time', async () => {
    const stage = await open();
    for (const expiresInMs of [undefined, 'soon', -1]) {
      await stage.transport.says({ type: 'renewed', expiresInMs });
      expect(stage.clock.pending).toBe(1); // it listens for silence
    }
  });

  it('leaves no timer when Pomona is closed, and none is set by what comes later', async () => {
    const stage = await open();
    const { promise, fail } = later();
    stage.session = () => promise;
    await stage.clock.advance(HOUR * 0.8);
    stage.pomona.close();
    fail(new Error('late'));
    await settled();
    expect([stage.clock.pending, stage.told('error')]).toEqual([0, []]);
    const other = await open();
    other.pomona.close();
    expect(other.clock.pending).toBe(0);
  });
});

it('adding tokens twice changes nothing', async () => {
  const stage = new TokenStage(['session']);
  expect(withTokens(stage.pomona, { session: () => 'other' })).toBe(stage.pomona);
  await stage.transport.opens();
  expect(stage.transport.open).toMatchObject({ token: 's1' });
});

it('the token of the session is in no URL, and in nothing that is told', async () => {
  const stage = new TokenStage(['session']);
  stage.session = () => 'secret';
  const errors = errorsOf(stage);
  await stage.transport.opens({ tokenExpiresInMs: 10_000 });
  await stage.clock.advance(8_000);
  await stage.transport.says({ type: 'error', code: 'bad_token', message: 'no', n: 1 });
  await stage.comesBack({ code: 4007, error: 'bad_token' });
  expect(errors.length).toBe(2);
  const told = errors.map(({ message, cause }) => `${message} ${JSON.stringify(cause)}`);
  const { httpUrl, socketUrl } = stage.transport.context;
  expect(`${told} ${httpUrl} ${socketUrl} ${JSON.stringify(stage.events)}`).not.toContain('secret');
});
