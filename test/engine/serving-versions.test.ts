import { describe, expect, test } from '@jest/globals';
import { emptyState } from '../../core/state/state.ts';
import { type NamedState, ScoreRefusedError, type StateFlags, type StateStore, WHOLE } from '../../engine/ports.ts';
import { type ServingVersion, ServingVersions, type Turn } from '../../engine/score/serving-versions.ts';
import { wholeStates } from '../../engine/score/whole-states.ts';
import { usecase } from './use-case.ts';

type Name = 'new' | 'old';

/** Two versions, the fences that are up, and one endpoint whose model was trained for one of them, or two fleets of it. */
class World {
  now = 1_000_000;
  fences: readonly Name[] = ['new', 'old'];
  model: Name | 'none' | 'absent' | 'broken' = 'old';
  /** During a canary: the model that answers the next request. */
  canary: (() => Name) | null = null;
  /** Whom the model was asked for. */
  readonly asked: Name[] = [];
  readonly serving = new ServingVersions([this.version('new'), this.version('old')], () => this.now);

  private version(name: Name): ServingVersion {
    const states = { ready: async () => this.fences.includes(name) } as StateStore;
    const endpoint = {
      score: async () => {
        this.asked.push(name);
        if (this.model === 'absent') throw new ScoreRefusedError('endpoint: found none');
        if (this.model === 'broken') throw new Error('time-out');
        const model = this.canary?.() ?? this.model;
        if (model !== name) throw new ScoreRefusedError(`not for ${name}`, 'mismatch', model);
        return { scores: [], variant: '', model_version: 'm1' };
      },
    };
    const view = { ...usecase.view, version: name, definition_hash: name };
    return { usecase: { ...usecase, view }, states, endpoint };
  }

  /** @param has versions with something to ask for. @returns who answered, or that it had nothing to ask for */
  async score(has: readonly Name[] = ['new', 'old'], parts = 1): Promise<string> {
    let by: string | null = null;
    let nothing: string | null = null;
    for await (const turn of this.serving.turns()) {
      if (by !== null) throw new Error('found a turn after the model had accepted a version; allowed: none');
      const { version } = turn.usecase.view;
      if (!has.includes(version as Name)) nothing ??= `${version}: nothing`;
      else if (await asked(turn, parts)) by = version;
    }
    return (by ?? nothing)!;
  }

  /** Whom the model was asked for since the last call. */
  get questions(): Name[] {
    return this.asked.splice(0);
  }
}

/** @returns whether the model took all parts */
async function asked(turn: Turn, parts: number): Promise<boolean> {
  for (let part = 0; part < parts; part++) if ((await turn.score([[1]])) === null) return false;
  return true;
}

describe('features', () => {
  test.each<[Name[], string]>([
    [['new', 'old'], 'new'],
    [['old'], 'old'],
    [['new'], 'new'],
  ])('with the fences of %p, %s answers, whatever the model is for', async (fences, name) => {
    const world = new World();
    world.fences = fences;
    expect((await world.serving.ready()).usecase.view.version).toBe(name);
  });

  test('with no fence nobody answers', async () => {
    const world = new World();
    world.fences = [];
    await expect(world.serving.ready()).rejects.toThrow(/^fence: found none; run the job that backfills/);
    await expect(world.score()).rejects.toMatchObject({ kind: 'not_ready' });
    expect(world.questions).toEqual([]);
  });
});

describe('scores', () => {
  test('by the newest version whose fence is up and that the model accepts', async () => {
    const world = new World();
    world.fences = ['old'];
    expect([await world.score(), world.questions]).toEqual(['old', ['old']]);
    world.fences = ['new', 'old'];
    world.now += 60_000;
    expect([await world.score(), world.questions]).toEqual(['old', ['new', 'old']]);
    world.model = 'new';
    world.now += 60_000;
    expect([await world.score(), world.questions]).toEqual(['new', ['new']]);
  });

  test('who was accepted is asked first for a minute from then on, under any traffic', async () => {
    const world = new World();
    await world.score();
    expect(world.questions).toEqual(['new', 'old']);
    for (let i = 0; i < 59; i++) {
      world.now += 1000;
      expect([await world.score(), world.questions]).toEqual(['old', ['old']]);
    }
    world.now += 999;
    expect([await world.score(), world.questions]).toEqual(['old', ['old']]);
    world.now += 1;
    expect([await world.score(), world.questions]).toEqual(['old', ['new', 'old']]);
  });

  test('a model that changes within the minute is answered by its own version', async () => {
    const world = new World();
    await world.score();
    world.model = 'new';
    world.asked.length = 0;
    // The old one answered just now: another fleet may have it still.
    expect([await world.score(), world.questions]).toEqual(['new', [...Array(20).fill('old'), 'new']]);
    for (let i = 0; i < 5; i++) expect([await world.score(), world.questions]).toEqual(['new', ['new']]);
    world.model = 'old';
    expect([await world.score(), world.questions]).toEqual(['old', [...Array(20).fill('new'), 'old']]);
  });

  test('a model that names no definition is asked once by each version', async () => {
    const world = new World();
    await world.score();
    world.canary = () => {
      throw new ScoreRefusedError('unsupported', 'mismatch');
    };
    world.asked.length = 0;
    await expect(world.score()).rejects.toMatchObject({ kind: 'mismatch', message: 'unsupported' });
    expect(world.questions).toEqual(['old', 'new']);
  });

  describe.each([0.1, 0.5, 0.9])('during a canary, with a share of %p for the new model', (share) => {
    /** 424242 as the seed of Lehmer's generator, so that a failure comes again. */
    function canary(world: World): void {
      let state = 424_242;
      world.canary = () => {
        state = (state * 48_271) % 2_147_483_647;
        return state / 2_147_483_647 < share ? 'new' : 'old';
      };
    }

    test('nobody stays unscored', async () => {
      const world = new World();
      await world.score();
      canary(world);
      const answered = { new: 0, old: 0 };
      for (let i = 0; i < 2000; i++) {
        world.now += 100;
        answered[(await world.score()) as Name]++;
      }
      expect(answered.new + answered.old).toBe(2000);
      expect(Math.min(answered.new, answered.old)).toBeGreaterThan(0);
    });

    test('nor does one whose request has many parts, each of which meets one of the fleets', async () => {
      const world = new World();
      canary(world);
      for (let i = 0; i < 500; i++) {
        world.now += 1000;
        expect(['new', 'old']).toContain(await world.score(undefined, 3));
      }
    });

    test('nor who has states of one version only in this batch, once both models were met', async () => {
      const world = new World();
      canary(world);
      for (let i = 0; i < 20; i++) await world.score();
      const refused = { new: 0, old: 0 };
      for (let i = 0; i < 500; i++) {
        for (const name of ['new', 'old'] as const) if ((await world.score([name])) !== name) refused[name]++;
      }
      // Each entity is in both: it stays unscored where both batches were refused, in a row of ten each.
      expect(Math.min(refused.new, refused.old)).toBe(0);
    });
  });

  test('a model of neither is refused in the words for the newest, each time', async () => {
    const world = new World();
    world.model = 'none';
    for (let i = 0; i < 2; i++) {
      await expect(world.score()).rejects.toMatchObject({ kind: 'mismatch', message: 'not for new' });
      expect(world.questions).toEqual(['new', 'old']);
    }
  });

  test('a version whose fence is down is not asked, although the model is for it', async () => {
    const world = new World();
    world.fences = ['old'];
    world.model = 'new';
    await expect(world.score()).rejects.toMatchObject({ kind: 'mismatch', message: 'not for old' });
    expect(world.questions).toEqual(['old']);
  });

  test.each(['absent', 'broken'] as const)('an endpoint that is %s is asked once', async (model) => {
    const world = new World();
    world.model = model;
    await expect(world.score()).rejects.toThrow();
    expect(world.questions).toEqual(['new']);
  });

  test('where only one version has something to ask for, no answer is no refusal', async () => {
    const world = new World();
    expect([await world.score(['new']), world.questions]).toEqual(['old: nothing', ['new']]);
    expect([await world.score(['old']), world.questions]).toEqual(['old', ['old']]);
    // The model was for `old` just now: it would refuse `new`.
    expect([await world.score(['new']), world.questions]).toEqual(['old: nothing', []]);
    expect([await world.score([]), world.questions]).toEqual(['old: nothing', []]);
    world.now += 60_000;
    expect([await world.score([]), world.questions]).toEqual(['new: nothing', []]);
    world.fences = ['new'];
    await expect(world.score(['new'])).rejects.toMatchObject({ kind: 'mismatch' });
  });
});

describe('a state from before the fence', () => {
  const state = (n: number) => ({ ...emptyState(usecase.plan), newest_event_time: n });
  const named = (entity_id: string, n: number, flags?: Partial<StateFlags>): NamedState => {
    return { entity_id, state: state(n), ...(flags && { flags: { ...WHOLE, ...flags } }) };
  };

  test('is read again, and another is not', async () => {
    const read: string[] = [];
    const stored = new Map([
      ['b', { state: state(20), revision: 2, flags: WHOLE }],
      ['c', { state: state(3), revision: 1, flags: { ...WHOLE, whole: false } }],
    ]);
    const states = {
      read: async (ids: readonly string[]) => {
        read.push(...ids);
        return new Map([...stored].filter(([id]) => ids.includes(id)));
      },
    };
    const open = { whole: false };
    const found = [named('a', 1), named('b', 2, open), named('c', 3, open), named('d', 4, open), named('e', 5, {})];
    const whole = await wholeStates(states, found);
    // `c` is still alone behind the fence: there is nothing before. `d` was deleted.
    expect(whole.map((one) => [one.entity_id, one.state.newest_event_time])).toEqual([
      ['a', 1],
      ['e', 5],
      ['b', 20],
      ['c', 3],
    ]);
    expect(read).toEqual(['b', 'c', 'd']);
  });
});
