import { describe, expect, test } from '@jest/globals';
import { findTools } from '../../setup/checks.mjs';

type Probe = Parameters<typeof findTools>[0];

/** Machines by what their commands answer. */
function machine(pythons: Record<string, { version: string; venv: boolean }>, javas: Record<string, number>): Probe {
  return {
    python: (command: string) => pythons[command],
    java: (java: string) => (javas[java] === undefined ? undefined : { major: javas[java], home: `/home/of/${java}` }),
    javaHomes: () => Object.keys(javas).map((java) => ({ label: java, java })),
  } as Probe;
}

const PYTHON = { 'python3.11': { version: '3.11.9', venv: true } };

describe('the tools a machine must have', () => {
  test('takes python3 when it is 3.11, and the Java 17 among several', () => {
    const found = findTools(machine({ python3: { version: '3.11.2', venv: true } }, { java: 21, 'jdk-17': 17 }));
    expect(found).toEqual({ python: 'python3', java: { home: '/home/of/jdk-17' } });
  });

  test.each([
    ['no Python', machine({}, { java: 17 }), /needs Python 3\.11 .*no Python was found on PATH: install it/],
    [
      'another Python',
      machine({ python3: { version: '3.12.4', venv: true } }, { java: 17 }),
      /python3 is 3\.12\.4: install/,
    ],
    [
      'no venv',
      machine({ python3: { version: '3.11.2', venv: false } }, { java: 17 }),
      /apt-get install python3\.11-venv/,
    ],
    ['no Java', machine(PYTHON, {}), /needs Java 17 .*no Java was found: install it/],
    ['another Java', machine(PYTHON, { java: 11 }), /java is Java 11: install it .*JAVA_HOME/],
  ])('%s gives one sentence with the next step', (_, probe, sentence) => {
    const { problem } = findTools(probe);
    expect(problem).toMatch(sentence);
    expect(problem).toMatch(/run the command again\.$/);
    expect(problem).not.toContain('\n');
  });
});
