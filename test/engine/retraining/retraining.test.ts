/** Which requests become a training, and what the next one is held against. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { requireModel } from '../../../core/ir/parts.ts';
import { documentHash, inputHash, type LastTraining, type Outcome } from '../../../engine/retraining/admission.ts';
import type { Labels } from '../../../engine/retraining/labels.ts';
import { admit, checkLabels, type TrainingLedger } from '../../../engine/retraining/retraining.ts';
import type { StartedBy } from '../../../names/retraining.ts';
import { ir } from '../use-case.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-03-01T00:00:00Z');

/** One item, and a revision that other writers raise. */
class MemoryLedger implements TrainingLedger {
  last: LastTraining | null = null;
  /** Called before the next write is looked at. */
  between: () => void = () => {};

  read = async () => this.last;
  write = async (next: LastTraining, seen: LastTraining | null) => {
    const between = this.between;
    this.between = () => {};
    between();
    if (this.last !== seen) return false;
    this.last = next;
    return true;
  };
}

let ledger: MemoryLedger;
let outcomes: Map<string, Outcome>;
let now: number;
beforeEach(() => {
  ledger = new MemoryLedger();
  outcomes = new Map();
  now = START;
});
const world = () => ({
  ledger,
  outcomeOf: async (execution: string) => outcomes.get(execution) ?? ('learnt' as const),
  now: () => now,
});

interface Request {
  readonly by?: StartedBy;
  readonly force?: boolean;
  readonly input?: string;
  readonly document?: string;
}
const ask = (execution: string, { by = 'schedule', force = false, input = execution, document = 'd' }: Request = {}) =>
  admit(world(), { execution, by, force, input_hash: input, document_hash: document, cooldownHours: 24 });
const labels = (spine_hash: string, rate = 0.3): Labels => ({
  spine_hash,
  rows: { train: 100, validation: 50, test: 50 },
  base_rates: { train: rate, validation: rate, test: rate },
});
const build = (execution: string, set: Labels, how: { force?: boolean; minLabels?: number } = {}) =>
  checkLabels(world(), execution, set, { force: false, minLabels: 1, ...how });

describe('a request', () => {
  test('is let in when nothing was trained before', async () => {
    expect((await ask('a')).decision).toBe('train');
    expect(ledger.last).toEqual({
      ...{ execution: 'a', by: 'schedule', started_at: START, input_hash: 'a', document_hash: 'd' },
    });
  });

  test('of the same execution gets the same answer, as a state is tried again', async () => {
    await ask('a');
    const before = ledger.last;
    expect((await ask('a')).decision).toBe('train');
    expect(ledger.last).toBe(before);
  });

  test('with the inputs of the last training changes nothing, however long ago that was', async () => {
    await ask('a', { input: 'same' });
    now += 1000 * HOUR;
    const found = await ask('b', { input: 'same', by: 'hand' });
    expect(found).toEqual({
      decision: 'unchanged',
      reason:
        'The training that was started by schedule at 2026-03-01T00:00:00.000Z is of the same events, label, model and definition; --force trains all the same.',
    });
    expect(ledger.last?.execution).toBe('a');
  });

  test.each<StartedBy>(['schedule', 'drift', 'hand'])('by %s waits for the end of the cool-down', async (by) => {
    await ask('a');
    now += 24 * HOUR - 1;
    const found = await ask('b', { by });
    expect(found.decision).toBe('cool-down');
    expect(found.reason).toContain('the next one may start at 2026-03-02T00:00:00.000Z');
    expect(found.reason.includes('--force')).toBe(by === 'hand');
    now += 1;
    expect((await ask('b', { by })).decision).toBe('train');
  });

  test('that is forced waits for nothing, and begins a cool-down itself', async () => {
    await ask('a', { input: 'same' });
    expect((await ask('b', { input: 'same', force: true, by: 'hand' })).decision).toBe('train');
    now += HOUR;
    expect((await ask('c')).decision).toBe('cool-down');
  });

  test('is let in after a training that failed before it made a model', async () => {
    await ask('a', { input: 'same' });
    outcomes.set('a', 'failed');
    expect((await ask('b', { input: 'same' })).decision).toBe('train');
  });

  test('waits for a training that still runs', async () => {
    await ask('a', { input: 'same' });
    outcomes.set('a', 'running');
    const found = await ask('b', { input: 'same' });
    expect(found.decision).toBe('unchanged');
    expect(found.reason).toContain('still runs');
  });

  test('at once with others: one is let in', async () => {
    ledger.between = () => {
      ledger.last = { execution: 'z', by: 'drift', started_at: now, input_hash: 'z', document_hash: 'd' };
    };
    outcomes.set('z', 'running');
    expect((await ask('a')).decision).toBe('cool-down');
    expect(ledger.last?.execution).toBe('z');
  });

  test('that others always outrun is an error', async () => {
    let other = 0;
    const outrun = () => {
      other += 1;
      ledger.last = { execution: `${other}`, by: 'hand', started_at: 0, input_hash: `${other}`, document_hash: 'd' };
      ledger.between = outrun;
    };
    ledger.between = outrun;
    await expect(ask('a')).rejects.toThrow(/5 other requests were let in one after another/);
  });
});

describe('the labels of its training set', () => {
  const day = async (execution: string, set: Labels, how: Parameters<typeof build>[2] = {}) => {
    now += 25 * HOUR;
    expect((await ask(execution)).decision).toBe('train');
    return build(execution, set, how);
  };

  test('are trained on, when the last training had others', async () => {
    expect((await day('a', labels('one'))).decision).toBe('train');
    expect((await day('b', labels('two'))).decision).toBe('train');
    expect(ledger.last).toMatchObject({ spine_hash: 'two', learnt: { spine_hash: 'one' } });
  });

  test('are not trained on again, and that holds up no other training', async () => {
    await day('a', labels('one'));
    expect(await day('b', labels('one'))).toEqual({
      decision: 'no matured labels',
      reason: 'No label has matured since the last training.',
    });
    expect((await ask('c')).decision).toBe('train');
    // What was declined has learnt nothing: the same labels are old still.
    expect((await build('c', labels('one'))).decision).toBe('no matured labels');
  });

  test('are trained on again with another definition, after a failure, and by force', async () => {
    await day('a', labels('one'));
    now += 25 * HOUR;
    await ask('b', { document: 'other' });
    expect((await build('b', labels('one'))).decision).toBe('train');
    outcomes.set('b', 'failed');
    await ask('c', { document: 'other' });
    expect((await build('c', labels('one'))).decision).toBe('train');
    await ask('d', { document: 'other', force: true, by: 'hand' });
    expect((await build('d', labels('one'), { force: true })).decision).toBe('train');
  });

  test.each([
    ['negatives', 0.98, 'train has 2 of the rarer label, validation has 1'],
    ['positives', 0.02, 'train has 2 of the rarer label, validation has 1'],
  ])('are too few: %s', async (_, rate, said) => {
    const found = await day('a', labels('one', rate), { minLabels: 20 });
    expect(found.decision).toBe('no matured labels');
    expect(found.reason).toContain(said);
    expect(found.reason).toContain('asked for are 20 of each kind');
  });

  test('are too few where a slice is empty, or all is well but for one label', async () => {
    const empty = { ...labels('one'), rows: { train: 100, validation: 50, test: 0 } };
    const none = { ...empty, base_rates: { ...empty.base_rates, test: null } };
    expect((await day('a', none)).reason).toContain('test has 0');
    expect((await day('b', labels('one', 0.4), { minLabels: 20 })).decision).toBe('train');
    expect((await day('c', labels('two', 0.4), { minLabels: 21 })).decision).toBe('no matured labels');
  });

  test('of a training that another one was let in beside leave its memory alone', async () => {
    await ask('a');
    await ask('b', { force: true, by: 'hand' });
    const before = ledger.last;
    expect((await build('a', labels('one'))).decision).toBe('train');
    expect(ledger.last).toBe(before);
  });
});

describe('what the inputs are', () => {
  const TINY = requireModel(ir);
  const inputs = { ir: TINY, definition_hash: 'h', snapshot_id: '1', as_of: null };
  test('the events, the definition, the label, the model and the time of knowledge, each', () => {
    const others = [
      { ...inputs, snapshot_id: '2' },
      { ...inputs, definition_hash: 'other' },
      { ...inputs, as_of: '2026-01-01T00:00:00Z' },
      { ...inputs, ir: { ...TINY, label: { ...TINY.label, horizon_ms: 1 } } },
      { ...inputs, ir: { ...TINY, model: { ...TINY.model, seed: 99 } } },
    ];
    expect(new Set([inputs, ...others].map(inputHash)).size).toBe(6);
    expect(inputHash({ ...inputs, ir: { ...TINY, name: 'another' } })).toBe(inputHash(inputs));
    expect(new Set([inputs, ...others].map(documentHash)).size).toBe(4);
  });
});
