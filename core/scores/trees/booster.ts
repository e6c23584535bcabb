/**
 * XGBoost's model as JSON (https://xgboost.readthedocs.io/en/release_3.2.0/tutorials/saving_model.html): only what a boosted
 * tree with one output and numbers as inputs has. All else is refused by name, for a score that is nearly right is wrong.
 */
import { z } from 'zod';
import { DefinitionError } from '../../ir/errors.ts';

/** A tree by the number of its nodes; 0 is the root. Numbers are binary32, as XGBoost computes with. */
export interface Tree {
  /** -1 in a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Index of the input that the node compares. */
  readonly feature: Int32Array;
  /** 1: a row without that input goes left. */
  readonly default_left: Uint8Array;
  /** What the input is compared with (below it: left); of a leaf what it adds, in log-odds. */
  readonly value: Float32Array;
  /** Sum of the hessians of the training rows that came here: what TreeSHAP weighs by. */
  readonly cover: Float32Array;
  /** Levels below the root. */
  readonly depth: number;
}

export interface Booster {
  /** In the order of a row. */
  readonly inputs: readonly string[];
  /** Log-odds of a row before any tree. */
  readonly base: number;
  readonly trees: readonly Tree[];
}

const int = z.array(z.int());
const numbers = z.array(z.number());
const treeSchema = z.object({
  left_children: int,
  right_children: int,
  split_indices: int,
  split_conditions: numbers,
  split_type: int,
  default_left: int,
  sum_hessian: numbers,
  tree_param: z.object({ size_leaf_vector: z.string() }),
});
const boosterSchema = z.object({
  learner: z.object({
    feature_names: z.array(z.string()),
    gradient_booster: z.object({ name: z.literal('gbtree'), model: z.object({ trees: z.array(treeSchema) }) }),
    learner_model_param: z.object({ base_score: z.string(), num_class: z.string(), num_target: z.string() }),
    objective: z.object({ name: z.literal('binary:logistic') }),
  }),
});
/** For a message of its own: what else could stand there is known. */
const kindSchema = z.object({
  learner: z.object({
    gradient_booster: z.object({ name: z.string() }),
    objective: z.object({ name: z.string() }),
  }),
});

/**
 * @param text of model.json, as `Booster.save_model` of XGBoost 1.6 to 3.2 writes it. All its trees count, as they do for
 *   `Booster.predict`: `best_iteration` is only an attribute, and what stops early is cut before it is saved
 * @param inputs names in the order of a row
 * @throws DefinitionError for what these trees can't be (dart, linear, categories, several outputs), and for other inputs
 */
export function readBooster(text: string, inputs: readonly string[]): Booster {
  const document = parsed(text);
  const kind = kindSchema.safeParse(document).data?.learner;
  if (kind !== undefined && kind.gradient_booster.name !== 'gbtree')
    throw refusal('gradient_booster', kind.gradient_booster.name, 'gbtree; others are served by an endpoint');
  if (kind !== undefined && kind.objective.name !== 'binary:logistic')
    throw refusal('objective', kind.objective.name, 'binary:logistic');
  const read = boosterSchema.safeParse(document);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw refusal(issue!.path.join('.'), 'another shape', `${issue!.message}; save the model with XGBoost 3.2 again`);
  }
  const { feature_names, gradient_booster, learner_model_param: param } = read.data.learner;
  if (Number(param.num_class) > 1 || Number(param.num_target) > 1) throw refusal('num_class', 'several outputs', 'one');
  if (feature_names.join('\n') !== inputs.join('\n'))
    throw refusal('feature_names', 'other inputs than the manifest names', 'files of one training job');
  return {
    inputs,
    base: baseMargin(param.base_score),
    trees: gradient_booster.model.trees.map((tree, i) => treeOf(tree, i, inputs.length)),
  };
}

function refusal(field: string, found: string, allowed: string): DefinitionError {
  return new DefinitionError(`model.json ${field}`, found, allowed);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // XGBoost writes NaN and Infinity as bare words: no finite score comes of these either.
    throw refusal('body', 'text that is not valid JSON', 'what Booster.save_model writes');
  }
}

/** `5E-1` up to XGBoost 3.0, `[5E-1]` from 3.1 on: a probability. @returns its log-odds, computed as XGBoost does, in binary32 */
function baseMargin(text: string): number {
  const score = Math.fround(Number(/^\[?([^[\],]+)\]?$/.exec(text)?.[1]));
  if (!(score > 0 && score < 1)) throw refusal('base_score', 'no single probability', 'a number between 0 and 1');
  return -Math.fround(Math.log(Math.fround(Math.fround(1 / score) - 1)));
}

function treeOf(tree: z.infer<typeof treeSchema>, index: number, inputs: number): Tree {
  const field = `trees.${index}`;
  if (tree.split_type.some((type) => type !== 0))
    throw refusal(
      field,
      'a split by categories',
      'splits of numbers; give the input as a number or serve by an endpoint',
    );
  if (Number(tree.tree_param.size_leaf_vector) > 1) throw refusal(field, 'leaves of several outputs', 'one output');
  const nodes = tree.left_children.length;
  const columns = [tree.right_children, tree.split_indices, tree.split_conditions, tree.default_left, tree.sum_hessian];
  if (nodes === 0 || columns.some(({ length }) => length !== nodes))
    throw refusal(field, 'columns of different lengths', 'one entry a node');
  const wrong = tree.left_children.some((left, node) => {
    const right = tree.right_children[node]!;
    if (left === -1) return right !== -1;
    // Children stand behind their parents, so that a walk always ends.
    return left <= node || right <= node || left >= nodes || right >= nodes || !(tree.split_indices[node]! < inputs);
  });
  if (wrong || tree.split_indices.some((feature) => feature < 0))
    throw refusal(field, 'a node that leads nowhere', 'a tree of the declared inputs');
  const left = Int32Array.from(tree.left_children);
  const right = Int32Array.from(tree.right_children);
  return {
    left,
    right,
    feature: Int32Array.from(tree.split_indices),
    default_left: Uint8Array.from(tree.default_left),
    value: Float32Array.from(tree.split_conditions),
    cover: Float32Array.from(tree.sum_hessian),
    depth: depthOf(left, right),
  };
}

function depthOf(left: Int32Array, right: Int32Array): number {
  const depths = new Int32Array(left.length);
  let deepest = 0;
  for (let node = 0; node < left.length; node++) {
    if (left[node] === -1) continue;
    const depth = depths[node]! + 1;
    depths[left[node]!] = depth;
    depths[right[node]!] = depth;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
