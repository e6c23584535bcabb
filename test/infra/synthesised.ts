import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { buildTidemark } from '../../lib/app.ts';
import type { StageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The tiny one with every kind of source. */
export const TINY = path.join(ROOT, 'test/fixtures/usecases/sourced');
/** Where its sources come from. */
const ADDRESSES = {
  billing: { bus: { eventSource: 'aws.partner/stripe.com/ed_test_1', silenceHours: 24 } },
  shop: { bus: { bus: 'default' } },
};
/** Events and features alone. */
export const SPENDING = path.join(ROOT, 'test/fixtures/usecases/spending');
/** A model, and no alerts. */
export const QUIET = path.join(ROOT, 'test/fixtures/usecases/quiet');
export const STAGES = ['local', 'dev', 'prod'] as const;
export type StageName = (typeof STAGES)[number];

/** `intake` is there where the use case has sources, as TINY has; a test of another use case leaves it out. */
type Stacks = Required<Awaited<ReturnType<typeof buildTidemark>>>;
export type StackName = keyof Stacks;
export const STACKS: readonly StackName[] = ['storage', 'training', 'realtime', 'intake', 'monitoring'];

export interface Synthesised {
  readonly app: App;
  readonly stacks: Stacks;
  /** Folder of the cloud assembly. */
  readonly outdir: string;
  template(stack: StackName): Template;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly Metadata?: Record<string, unknown>;
  readonly DeletionPolicy?: string;
}

const made = new Map<string, Promise<Synthesised>>();
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * Synthesises a stage as `cdk synth` does, with the context of cdk.json, but without bundling the functions: once a stage and
 * test file.
 */
export function synthesise(stage: StageName, useCase: string = TINY): Promise<Synthesised> {
  const key = `${stage} ${useCase}`;
  const config = loadStage(stage);
  const existing =
    made.get(key) ?? synthesiseConfig(useCase === TINY ? { ...config, sources: ADDRESSES } : config, useCase);
  made.set(key, existing);
  return existing;
}

/** As `synthesise`, for a configuration that is no stage's. */
export async function synthesiseConfig(stage: StageConfig, useCase: string = TINY): Promise<Synthesised> {
  const outdir = mkdtempSync(path.join(tmpdir(), 'tidemark-synth-'));
  folders.push(outdir);
  const { context } = JSON.parse(readFileSync(path.join(ROOT, 'cdk.json'), 'utf8')) as { context: object };
  const app = new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false });
  const stacks = (await buildTidemark(app, { stage, useCase, region: 'eu-west-1' })) as Stacks;
  app.synth();
  return {
    app,
    stacks,
    outdir,
    template: (stack) => (stacks[stack] ? Template.fromStack(stacks[stack]) : Template.fromJSON({ Resources: {} })),
  };
}

/** All resources of all stacks of a stage, by `<stack>/<logical id>`. */
export async function resourcesOf(stage: StageName): Promise<Map<string, Resource>> {
  const synthesised = await synthesise(stage);
  return new Map(
    STACKS.flatMap((stack) =>
      Object.entries(synthesised.template(stack).toJSON().Resources as Record<string, Resource>).map(
        ([id, resource]): [string, Resource] => [`${stack}/${id}`, resource],
      ),
    ),
  );
}

/** What cdk-nag finds by AwsSolutions and Serverless: `<rule> at <construct>`. */
export function nagFindings(app: App): string[] {
  return [new AwsSolutionsChecks(), new ServerlessChecks()].flatMap((pack) =>
    pack
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
      ),
  );
}
