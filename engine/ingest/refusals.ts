import { subjectsOf } from '../../core/admission/tombstone.ts';
import type { Tombstones } from '../ports.ts';
import type { QuarantineLine } from './quarantine.ts';

/** What a batch refuses: each record once, by whichever version, and nothing of an erased entity. */
export class Refusals {
  /** Records by reason. */
  readonly reasons = new Map<string, number>();
  /** Records of erased entities, dropped. */
  erased = 0;
  private readonly kept = new Set<string>();
  private readonly put: (lines: readonly QuarantineLine[]) => Promise<void>;
  private readonly tombstones: Tombstones | undefined;

  /** @param put must not lose a line that an earlier call stored. @param tombstones @default - nobody was erased */
  constructor(put: (lines: readonly QuarantineLine[]) => Promise<void>, tombstones?: Tombstones) {
    this.put = put;
    this.tombstones = tombstones;
  }

  /** @throws Error when they can't be stored */
  async store(lines: readonly QuarantineLine[]): Promise<void> {
    const open = new Map(lines.map((line) => [positionOf(line), line]));
    for (const position of this.kept) open.delete(position);
    const kept = await this.withoutErased([...open.values()]);
    if (kept.length > 0) await this.put(kept);
    for (const line of kept) {
      this.kept.add(positionOf(line));
      this.reasons.set(line.reason, (this.reasons.get(line.reason) ?? 0) + 1);
    }
  }

  /** What nobody may keep of an erased entity is not kept as a refused record either. */
  private async withoutErased(lines: readonly QuarantineLine[]): Promise<readonly QuarantineLine[]> {
    if (lines.length === 0 || !this.tombstones) return lines;
    const subjects = lines.map((line) => subjectsOf(line.partition_key, Buffer.from(line.raw_base64, 'base64')));
    const erased = await this.tombstones.erased([...new Set(subjects.flat())]);
    const kept = lines.filter((_, i) => !subjects[i]!.some((id) => erased.has(id)));
    this.erased += lines.length - kept.length;
    return kept;
  }
}

function positionOf({ shard_id, sequence_number, sub_sequence }: QuarantineLine): string {
  return `${shard_id} ${sequence_number} ${sub_sequence}`;
}
