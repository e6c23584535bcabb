/**
 * Answers questions of the Python tests with the scorer in TypeScript: one JSON question on stdin, one JSON answer on stdout.
 */
import { readFileSync } from 'node:fs';
import { type Booster, readBooster } from '../../../core/scores/trees/booster.ts';
import { type Calibration, calibrated } from '../../../core/scores/trees/calibration.ts';
import { marginOf, rowOf } from '../../../core/scores/trees/margin.ts';
import { contributionsOf } from '../../../core/scores/trees/tree-shap.ts';

interface Model {
  /** Path of model.json. */
  readonly file: string;
  readonly inputs: readonly string[];
  readonly rows: readonly (readonly (number | null)[])[];
  /** Only the first so many rows are explained, which takes long. */
  readonly explained: number;
}

interface Question {
  readonly models?: readonly Model[];
  /** Files that must be refused. */
  readonly refused?: readonly Omit<Model, 'rows' | 'explained'>[];
  readonly calibrations?: readonly { readonly calibration: Calibration; readonly margins: readonly number[] }[];
}

function answerOf({ rows, explained }: Model, booster: Booster) {
  const known = rows.map((row) => rowOf(row)!);
  return {
    margins: known.map((row) => marginOf(booster, row)),
    contributions: known.slice(0, explained).map((row) => [...contributionsOf(booster, row)]),
  };
}

function refusalOf({ file, inputs }: Omit<Model, 'rows' | 'explained'>): string {
  try {
    readBooster(readFileSync(file, 'utf8'), inputs);
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
}

const { models = [], refused = [], calibrations = [] } = JSON.parse(readFileSync(0, 'utf8')) as Question;
const answer = {
  models: models.map((model) => answerOf(model, readBooster(readFileSync(model.file, 'utf8'), model.inputs))),
  refused: refused.map(refusalOf),
  scores: calibrations.map(({ calibration, margins }) => margins.map((margin) => calibrated(calibration, margin))),
};
process.stdout.write(JSON.stringify(answer));
