/** docs/reference/local-cloud.md: what the plug-ins of the local cloud say of themselves. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from './documents.ts';
import { code, page, table } from './markdown.ts';

const coverageSchema = z.object({
  services: z.array(z.string()),
  plugins: z.array(
    z.object({
      name: z.string(),
      service: z.string(),
      alone: z.string(),
      does: z.string(),
      operations: z.array(z.string()),
      templates: z.array(z.string()),
      sources: z.array(z.string()),
    }),
  ),
});
type Plugin = z.infer<typeof coverageSchema>['plugins'][number];

/** @throws Error when the Python environment is missing or a plug-in cannot be imported */
function coverage(): z.infer<typeof coverageSchema> {
  const python = join(ROOT, '.venv', 'bin', 'python');
  const said = execFileSync(python, ['-m', 'tidemark_local.host.coverage'], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: join(ROOT, 'local') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return coverageSchema.parse(JSON.parse(said));
}

/** The last part of an address that says something, as the text of its link. */
function link(address: string): string {
  const { hostname, pathname } = new URL(address);
  const last = pathname.split('/').filter(Boolean).at(-1) ?? hostname;
  return `[${last.replace(/\.html?$/, '')}](${address})`;
}

const row = ({ name, service, alone, does, operations, templates, sources }: Plugin): string[] => [
  service,
  alone,
  does,
  [...operations, ...templates].map(code).join(' '),
  code(name),
  sources.map(link).join(', '),
];

export function localCloudPage(): string {
  const { services, plugins } = coverage();
  const byService = plugins.toSorted((a, b) => a.service.localeCompare(b.service, 'en'));
  return page(
    'The local cloud',
    ['the records of the plug-ins in local/tidemark_local/'],
    [
      `MiniStack serves ${services.map(code).join(', ')}; plug-ins mend and add what stands here, each after AWS's own words.\nWhat no plug-in is named for is as the emulator serves it; [what it cannot tell](../aws.md#what-the-local-cloud-cannot-tell) stands apart.`,
      table(
        ['service', 'the emulator alone', 'with the plug-in', 'operations and types', 'plug-in', 'source'],
        byService.map(row),
      ),
    ],
  );
}
