/** How what a source sends changes: what its map refuses, and what this process had not seen of it before. */
import { OTHER, shownKind, shownVersion } from '../../core/admission/drift.ts';
import type { Taken } from '../../core/intake/intake.ts';
import type { DriftWatch } from '../ingest/drift.ts';

/**
 * Items that show what a source usually sends. Much of it no map asks for, on purpose: only what comes later for the first
 * time is news. A new process knows nothing of what came before it, and says nothing.
 */
const USUAL = 100;
/** Kinds of items, and versions, that a process tells apart. */
const MOST = 1000;

/** Lives as long as its process does. */
export class SourceDrift {
  private readonly source: string;
  private readonly watch: Pick<DriftWatch, 'add'>;
  private readonly ignored = new Set<string>();
  /** The last version of each kind of item, and all that there were. */
  private readonly versions = new Map<string, { last: string; readonly all: Set<string> }>();
  private items = 0;

  /** @param source its name */
  constructor(source: string, watch: Pick<DriftWatch, 'add'>) {
    this.source = source;
    this.watch = watch;
  }

  /** Takes note of a record that was taken apart. */
  note({ drift, ignored, versions, events, refused }: Taken): void {
    for (const one of drift) this.watch.add(one);
    for (const [kind, n] of ignored) {
      this.addIgnored(kind);
      this.items += n;
    }
    for (const [kind, version] of versions) this.addVersion(kind, version);
    this.items += events.length + refused.length;
  }

  private addIgnored(kind: string): void {
    if (this.ignored.has(kind) || this.ignored.size === MOST) return;
    this.ignored.add(kind);
    if (this.items >= USUAL) this.add('unknown_item', kind, 'object', null);
  }

  private addVersion(kind: string, version: string): void {
    const seen = this.versions.get(kind);
    if (seen === undefined) {
      if (this.versions.size < MOST) this.versions.set(kind, { last: version, all: new Set([version]) });
      return;
    }
    if (!seen.all.has(version) && seen.all.size < MOST) {
      seen.all.add(version);
      const former = shownVersion(seen.last);
      this.add('new_api_version', kind, shownVersion(version), former === OTHER ? null : former);
    }
    seen.last = version;
  }

  private add(kind: 'unknown_item' | 'new_api_version', item: string, found: string, allowed: string | null): void {
    const { source } = this;
    this.watch.add({ kind, source, event_type: shownKind(item), schema_version: null, field: null, found, allowed });
  }
}
