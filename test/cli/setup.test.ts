import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findTools } from '../../setup/checks.mjs';
import { readJest, readPytest } from '../../setup/results.mjs';

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

describe('the reports of the test tools', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-reports-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (text: string) => {
    const path = join(folder, 'report');
    writeFileSync(path, text);
    return path;
  };

  test('pytest: failures and errors fail, skipped tests are neither', () => {
    const report = file(`<?xml version="1.0"?><testsuites><testsuite tests="5">
      <testcase classname="a" name="good" time="0.1"/>
      <testcase classname="a" name="printed" time="0.1"><system-out>text</system-out></testcase>
      <testcase classname="a" name="bad&lt;1&gt;" time="0.1"><failure message="assert">E  &quot;x&quot;</failure></testcase>
      <testcase classname="a" name="broken" time="0.1"><error message="set-up">no fixture</error></testcase>
      <testcase classname="a" name="later" time="0.1"><skipped message="no"/></testcase>
    </testsuite></testsuites>`);
    const counts = readPytest(report);
    expect(counts).toMatchObject({ passed: 2, failed: 2 });
    expect(counts.failures[0]).toBe('✗ a.bad<1>\nE  "x"');
  });

  test('jest: a file that could not run counts as one failure', () => {
    const report = file(
      JSON.stringify({
        numPassedTests: 4,
        numFailedTests: 1,
        numRuntimeErrorTestSuites: 1,
        testResults: [
          {
            name: 'a.test.ts',
            status: 'failed',
            assertionResults: [{ status: 'failed', fullName: 'x', failureMessages: ['no'] }],
          },
          { name: 'b.test.ts', status: 'failed', assertionResults: [], message: 'cannot import' },
        ],
      }),
    );
    const counts = readJest(report);
    expect(counts).toMatchObject({ passed: 4, failed: 2 });
    expect(counts.failures).toEqual(['✗ a.test.ts › x\nno', '✗ b.test.ts did not run\ncannot import']);
  });
});
