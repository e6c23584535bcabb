import { register } from 'node:module';
import { App } from 'aws-cdk-lib';
import { buildTidemark } from '../lib/app.ts';
import { ConfigError } from '../lib/config/config-error.ts';
import { loadStage } from '../lib/config/stages.ts';
import { assertLoopback, isLoopback, NotLoopbackError } from '../local/guard.ts';

// Use cases outside of the repository may import from 'tidemark' too.
register(new URL('../lib/config/own-name.mjs', import.meta.url));
try {
  const app = new App();
  // Where the calls of this deployment go decides, so that every command reads the same in an account and on the local cloud.
  const here = isLoopback(process.env.AWS_ENDPOINT_URL ?? '');
  const [sources, mlflow] = ['sources', 'mlflow'].map((key) => app.node.tryGetContext(key));
  const stage = loadStage(app.node.tryGetContext('stage'), here ? 'local' : 'aws', { sources, mlflow });
  if (stage.cloud === 'local') assertLoopback(process.env);
  await buildTidemark(app, {
    stage,
    useCase: app.node.tryGetContext('usecase'),
    account: process.env.CDK_DEFAULT_ACCOUNT,
    region: process.env.CDK_DEFAULT_REGION,
  });
  app.synth();
} catch (error) {
  // What the user can correct is said in words; a defect of ours keeps its stack.
  if (!(error instanceof ConfigError || error instanceof NotLoopbackError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
