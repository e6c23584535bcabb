/** A copy of the app in which a test may edit what a person edits: configuration, and the model's code. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../cli/paths.ts';

/** Whatever the app is made of; only what says or checks something of it stays behind. */
const LEFT = ['bench', 'cdk.out', 'docs', 'node_modules', 'test'];

export class Checkout {
  readonly root = mkdtempSync(join(tmpdir(), 'tidemark-checkout-'));

  constructor() {
    const names = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !LEFT.includes(name));
    for (const name of names)
      cpSync(join(ROOT, name), join(this.root, name), {
        recursive: true,
        filter: (source) => !source.includes('__pycache__'),
      });
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** Replaces a piece of a file. @throws Error when the file does not have it */
  edit(file: string, from: string, to: string): void {
    const path = join(this.root, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(path, text.replace(from, to));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
