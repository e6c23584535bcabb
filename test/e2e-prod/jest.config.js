import base from '../../jest.config.js';

/** Production's own path: a run of its own, as it takes minutes. */
export default { ...base, rootDir: '../..', testMatch: ['<rootDir>/test/e2e-prod/*.scenario.ts'], bail: true };
