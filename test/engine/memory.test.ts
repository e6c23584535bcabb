import { describe, expect, test } from '@jest/globals';
import { Faults, ThrottledError } from '../../engine/memory/faults.ts';
import { MemoryScores } from '../../engine/memory/scores.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import { MemoryTurns } from '../../engine/memory/turns.ts';
import { scoreStoreCases, stateAfter, stateStoreCases, turnsCases } from './store-cases.ts';
import { usecase } from './use-case.ts';

describe('states in memory', () => {
  const states = new MemoryStates(usecase.plan);
  stateStoreCases(() => states);
});

describe('states behind a way that has faults', () => {
  const states = new MemoryStates(usecase.plan);
  stateStoreCases(() => states.port());
});

describe('scores in memory', () => {
  const scores = new MemoryScores();
  scoreStoreCases(() => scores.port());
});

describe('turns in memory', () => {
  const scores = new MemoryScores();
  const turns = new MemoryTurns(scores);
  turnsCases(
    () => scores.port(),
    () => turns.port(),
  );
});

describe('a fault', () => {
  const write = (states: MemoryStates, faults: Faults) => states.port(faults).write('ann', stateAfter(1), null);

  test.each([
    ['before', 0],
    ['after', 1],
    ['crash-before', 0],
    ['crash-after', 1],
  ] as const)('%s leaves %i rows, and nobody sees an answer', async (fault, rows) => {
    const states = new MemoryStates(usecase.plan);
    const faults = new Faults(() => fault);
    await expect(write(states, faults)).rejects.toThrow(`fault: ${fault}`);
    expect([states.rows.size, faults.ended]).toEqual([rows, fault.startsWith('crash')]);
  });

  test('after a crash nothing is called any more', async () => {
    const states = new MemoryStates(usecase.plan);
    const faults = new Faults();
    faults.end();
    await expect(write(states, faults)).rejects.toThrow('crashed');
    expect(states.rows.size).toBe(0);
  });

  test('a partition without units is asked five times', async () => {
    const states = new MemoryStates(usecase.plan);
    const waits: number[] = [];
    const units = { take: () => false, wait: async (attempt: number) => void waits.push(attempt) };
    await expect(write(states, new Faults(undefined, undefined, units))).rejects.toBeInstanceOf(ThrottledError);
    expect([waits, states.rows.size]).toEqual([[0, 1, 2, 3], 0]);
  });
});
