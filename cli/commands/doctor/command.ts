import type { Command } from 'commander';
import { loadStage } from '../../../lib/config/stages.ts';
import { isLoopback } from '../../../local/guard.ts';
import { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import { stageOption } from '../../options.ts';
import { type Connection, connect, type Stage } from '../../stage/connection.ts';
import { bootstrapFindings, findAccount, lakeFormationFinding } from './account.ts';
import type { Finding } from './finding.ts';
import { quotaFindings } from './quotas.ts';
import { toolFindings } from './tools.ts';
import { webhookFindings } from './webhook.ts';

export function addDoctor(root: Command): void {
  root
    .command('doctor')
    .description(
      'look at this machine and the account: what must be done before, or after, a deployment; exit code 1 if so',
    )
    .addOption(stageOption())
    .action(doctor);
}

async function doctor({ stage }: { stage: Stage }): Promise<void> {
  const findings = await new Progress(process.stderr).step('Look at this machine and at the account', () =>
    examine(connect(stage)),
  );
  console.log(findingLines(findings));
  const open = findings.filter(({ state }) => state === 'do').length;
  if (open > 0) throw new CliError(`${open} of ${findings.length} checks say what to do first.`);
}

/** All checks; those of the account only when there is one. */
export async function examine({ clients, stage, env }: Connection): Promise<Finding[]> {
  const config = loadStage(stage);
  const { account, findings } = await findAccount(clients, config);
  const tools = [...toolFindings(), ...findings];
  if (!account) return tools;
  const [bootstrap, lake, quotas, webhooks] = await Promise.all([
    bootstrapFindings(clients, account),
    lakeFormationFinding(clients),
    quotaFindings(clients.quotas, config),
    webhookFindings(clients, stage, isLoopback(env.AWS_ENDPOINT_URL ?? '')),
  ]);
  return [...tools, ...bootstrap, lake, ...quotas, ...webhooks];
}

const MARK = { ok: '✓', do: '✗', note: '·' } as const;

export function findingLines(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  return findings
    .map(({ subject, state, found, next }) => {
      const line = `${MARK[state]} ${subject.padEnd(width)}  ${found}`;
      return next === undefined ? line : `${line}\n  ${' '.repeat(width)}  → ${next}`;
    })
    .join('\n');
}
