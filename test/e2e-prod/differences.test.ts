import { describe, expect, test } from '@jest/globals';
import { LOCAL_CLOUD_DIFFERENCES } from '../../lib/config/on-local-cloud.ts';
import { prod } from '../../lib/config/prod.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { CLOUD } from './app.ts';

describe('what differs from an account', () => {
  test('is small, and pinned here', () => {
    const differences = { stage: LOCAL_CLOUD_DIFFERENCES, cloud: CLOUD };
    console.log(`Stage prod on the local cloud differs by ${JSON.stringify(differences, null, 2)}`);
    expect(differences).toEqual({
      stage: {
        cloud: 'local',
        environment: { account: '000000000000', region: 'us-east-1' },
        processor: { timeoutSeconds: 10, cutoverAfterSeconds: 11 },
        archiver: { batchingWindowSeconds: 2 },
        batch: { workers: 2 },
      },
      cloud: { timeScale: 0.05 },
    });
    const deployed = loadStage('prod', 'local');
    const { stage } = differences;
    expect(deployed).toEqual({
      ...prod,
      ...stage,
      processor: { ...prod.processor, ...stage.processor },
      archiver: { ...prod.archiver, ...stage.archiver },
      batch: { ...prod.batch, ...stage.batch },
    });
  });
});
