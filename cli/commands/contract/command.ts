import type { Command } from 'commander';
import {
  type ContractChange,
  type UseCaseDiff,
  useCaseDiff,
  type ViewChange,
} from '../../../core/definition/contract-diff.ts';
import { hasModel } from '../../../core/ir/parts.ts';
import { loadDefinitions } from '../../definitions.ts';
import { definitionsOption } from '../../options.ts';
import { atRevision, released } from './revision.ts';

interface DiffOptions {
  readonly usecase: string;
  readonly json?: boolean;
}

/** Adds `tidemark contract …`. */
export function addContract(root: Command): void {
  root
    .command('contract')
    .description('what producers and readers of events rely on')
    .command('diff')
    .description('what the definitions in this folder mean to producers and readers of those of a git revision')
    .argument('[revision]', 'a commit, a branch or a tag (default: what was released, by released.json)')
    .option('--json', 'print everything as JSON')
    .addOption(definitionsOption())
    .addHelpText('after', HELP)
    .action(diff);
}

const HELP = `
Exit code 1 where events that are sent as before would be refused, be lost or mean something else without a new schema version:
such a change is refused by every deployment once it was released.

  npx tidemark contract diff main --usecase churn`;

async function diff(revision: string | undefined, { usecase, json }: DiffOptions): Promise<void> {
  const { ir, folder } = await loadDefinitions(usecase);
  const before = revision === undefined ? released(folder) : await atRevision(folder, revision);
  const found = useCaseDiff(before, ir);
  console.log(json ? JSON.stringify(found, null, 2) : readable(found, revision ?? 'released.json', hasModel(ir)));
  if (!found.compatible) process.exitCode = 1;
}

/** @param since what it was compared with. @param model whether there is one to be trained anew */
function readable({ changes, views, compatible }: UseCaseDiff, since: string, model: boolean): string {
  if (changes.length === 0 && views.length === 0) return `Nothing changed since ${since}.`;
  const verdict = compatible
    ? `Since ${since} nobody who sends or reads events is broken.`
    : `Since ${since} producers or readers are broken: see what is marked with !.`;
  return [verdict, ...changes.flatMap(lines), ...views.flatMap((view) => viewLines(view, model))].join('\n');
}

function lines({ field, change, effect, producers, readers }: ContractChange): string[] {
  const mark = effect === 'none' ? '+' : '!';
  return ['', `${mark} ${field}: ${change}`, `    producers: ${producers}`, `    readers: ${readers}`];
}

function viewLines({ view, before, now, features, contracts, online }: ViewChange, model: boolean): string[] {
  const parts = Object.entries(features)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.join(', ')}`);
  const why = [...parts, ...(contracts.length > 0 ? [`it reads ${contracts.join(', ')}`] : [])].join('; ');
  return [
    '',
    `~ views.${view}: ${now ?? 'gone'}, was ${before ?? 'not there'}${why ? ` (${why})` : ''}`,
    `    ${consequence(now !== null, online, model)}`,
  ];
}

function consequence(there: boolean, online: boolean, model: boolean): string {
  if (!there) return 'Its values are computed no more.';
  if (!online) return 'It is computed offline: nothing has to be filled.';
  const trained = model ? ', and a model is trained on it' : '';
  return `It takes a backfill (\`npx tidemark features backfill\`)${trained}; what was released serves until then. Old events count in it as they were admitted.`;
}
