/** What a model's archive holds, checked against its manifest (model/identity.py). */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { CliError } from '../../../errors.ts';

const manifest = z.object({
  format: z.literal(1),
  framework: z.string(),
  model_version: z.string(),
  model_sha256: z.string(),
  definition_hash: z.string(),
  inputs: z.array(z.string()),
  files: z.record(z.string(), z.string()),
});

export interface ModelArchive {
  readonly manifest: z.infer<typeof manifest>;
  /** By path in the archive, without `code/`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

const hashOf = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

/**
 * @param content model.tar.gz
 * @param approved the registry's `model_sha256`
 * @throws CliError for files that are not those of the manifest, or a model that is not the approved one
 */
export async function readModelArchive(content: Buffer, approved: string | undefined): Promise<ModelArchive> {
  const files = new Map<string, Buffer>();
  const archive = extract();
  archive.end(gunzipSync(content));
  for await (const entry of archive) {
    const name = entry.header.name.replace(/^\.\//, '');
    const read = await buffer(entry);
    if (entry.header.type === 'file' && !name.startsWith('code/')) files.set(name, read);
  }
  const text = files.get('manifest.json');
  const parsed = manifest.safeParse(text && JSON.parse(text.toString('utf8')));
  if (!parsed.success)
    throw new CliError('manifest.json: found none of format 1 in the archive of the model; train the model again.');
  const { data } = parsed;
  const changed = Object.keys(data.files).filter((name) => hashOf(files.get(name) ?? '') !== data.files[name]);
  const lines = Object.keys(data.files)
    .sort()
    .map((name) => `${name} ${data.files[name]}\n`);
  const whole = hashOf(`${lines.join('')}${data.definition_hash}\n`);
  if (changed.length > 0 || whole !== data.model_sha256)
    throw new CliError(
      `${changed.join(', ') || 'manifest.json'}: found other bytes than manifest.json says; train the model again.`,
    );
  if (approved !== undefined && approved !== whole)
    throw new CliError('manifest.json: found another model than the registry has a hash of; export another version.');
  return { manifest: data, files };
}
