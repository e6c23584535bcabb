/** `label.ts`, `model.ts` and `index.ts`. */
import { plural } from '../names.ts';
import type { Instants, Plan } from '../plan.ts';
import { braces, call, duration, imports, instant, text } from './code.ts';
import { sourceConst } from './contracts.ts';
import type { View } from './features.ts';

const LABEL = 'falls_silent';

export function labelFile({ contract, eventType, learning }: Plan): string {
  const horizon = duration(learning!.horizon_ms);
  return [
    `/** Who has no ${eventType} in the ${horizon} from an instant on. Edit it: another horizon, or only some ${plural(eventType)} (\`where\`). */`,
    imports(['noEvent'], 'tidemark'),
    `import { ${contract} } from './events.ts';`,
    '',
    call('export const silent = noEvent(', [`name: '${LABEL}'`, `of: ${contract}`, `horizon: '${horizon}'`], ');'),
    '',
  ].join('\n');
}

export function modelFile({ useCase, learning }: Plan, { inputs, baseline }: View): string {
  const { train, validation, test } = learning!;
  const slice = (name: string, { from, to, every_ms }: Instants) =>
    `  ${call(`${name}: `, [`from: '${instant(from)}'`, `to: '${instant(to)}'`, `every: '${duration(every_ms)}'`], ',', 2)}`;
  const list = (names: readonly string[]) =>
    braces(
      '[',
      names.map((name) => `features.${name}`),
      ']',
      120,
      2,
    );
  return [
    '/** How the label is learnt: inputs, instants, and the gate that a model has to pass before it serves. */',
    imports(['type ModelSpec'], 'tidemark')
      .replace('{ type ModelSpec }', '{ ModelSpec }')
      .replace('import', 'import type'),
    "import * as features from './features.ts';",
    '',
    'export const model: ModelSpec = {',
    `  name: ${text(useCase)},`,
    `  inputs: ${list(inputs)},`,
    '  /** What a good analyst would look at in an hour, and what the model must not fall behind. */',
    `  baselineInputs: ${list(baseline)},`,
    '  /** Labels of a slice close before the next one begins, those of the test before the file ends. */',
    slice('train', train),
    slice('validation', validation),
    slice('test', test),
    '  hyperparameters: { max_depth: 3, eta: 0.1, num_boost_round: 500, early_stopping_rounds: 30 },',
    '  seed: 1,',
    '  /** A wide gate to begin with: narrow it once you know what is good here. */',
    '  gate: { minAuc: 0.55, maxAuc: 0.99, minAucGainOverBaseline: -0.05, maxCalibrationError: 0.15 },',
    '};',
    '',
  ].join('\n');
}

export function indexFile(plan: Plan): string {
  const { contract, entity, learning, useCase } = plan;
  const learns = learning !== null;
  return [
    `/** ${useCase}: read on in README.md, then events, sources, features${learns ? ', label, model' : ''}. */`,
    imports(['defineUseCase'], 'tidemark'),
    `import { ${contract} } from './events.ts';`,
    "import { view } from './features.ts';",
    ...(learns ? ["import { silent } from './label.ts';", "import { model } from './model.ts';"] : []),
    `import { ${sourceConst(plan)} } from './sources.ts';`,
    '',
    'export default defineUseCase({',
    `  name: ${text(useCase)},`,
    `  entity: ${text(entity)},`,
    `  contracts: [${contract}],`,
    `  sources: [${sourceConst(plan)}],`,
    `  views: { ${useCase}: view },`,
    ...(learns ? ['  label: silent,', '  model,'] : []),
    '});',
    '',
  ].join('\n');
}
