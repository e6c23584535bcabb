/** ESM throughout: the code under test is loaded as it is shipped. */
export default {
  testEnvironment: './setup/test-environment.mjs',
  // Not how fast a test should be, but when it hangs: machines differ. A part's silence lasts longer (setup/parts.mjs).
  testTimeout: 300_000,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  testSequencer: './setup/reporters/longest-first.mjs',
  // Use cases outside of the repository import from it too; here no hook of Node's stands in for its name.
  moduleNameMapper: { '^tidemark$': '<rootDir>/core/definition/define.ts' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.tidemark', '<rootDir>/.cache'],
};
