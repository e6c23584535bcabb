/** Lines of the quarantine as they are found again: by place, and by what is wanted of them. */
import { REJECTION_REASONS, type RejectionReason } from '../../core/ir/rejection.ts';
import { DAY } from '../../core/values/time.ts';
import { dayOf } from '../../names/lake.ts';
import { intakeOf } from '../../names/sources.ts';
import type { QuarantineLine } from '../ingest/quarantine.ts';

/** An object of the quarantine with its lines. */
export interface QuarantineObject {
  readonly key: string;
  /** Of its folder, yyyy-mm-dd. */
  readonly day: string;
  readonly shard: string;
  readonly lines: readonly QuarantineLine[];
}

/** All that is given must hold. */
export interface Wanted {
  readonly reasons?: ReadonlySet<RejectionReason>;
  /** Names of sources; the empty one is that of lines that name none. */
  readonly sources?: ReadonlySet<string>;
  readonly event_types?: ReadonlySet<string>;
  /** Of the arrival, ms UTC, inclusive. */
  readonly since?: number;
  /** Of the arrival, ms UTC, exclusive. */
  readonly until?: number;
}

/** `<shard>:<sequence number>`, and of a later event of one record also `:<place>`, from 1. */
export function positionOf({ shard_id, sequence_number, sub_sequence }: Place): string {
  return `${shard_id}:${sequence_number}${sub_sequence > 0 ? `:${sub_sequence}` : ''}`;
}

type Place = Pick<QuarantineLine, 'shard_id' | 'sequence_number' | 'sub_sequence'>;

/** @returns null for what is no position */
export function parsePosition(text: string): Place | null {
  const [, shard_id, sequence_number, sub = '0'] = /^([\w./-]{1,128}):(\d{1,128})(?::(\d{1,6}))?$/.exec(text) ?? [];
  return shard_id === undefined ? null : { shard_id, sequence_number: sequence_number!, sub_sequence: Number(sub) };
}

/** Positions that were put back, and when, ms UTC. */
export type Marks = ReadonlyMap<string, number>;

/** What a source sent again since, and its function refused again, is at the same position and was not put back. */
export function isMarked(line: QuarantineLine, marked: Marks): boolean {
  return (marked.get(positionOf(line)) ?? Number.NEGATIVE_INFINITY) >= line.arrival;
}

export function isWanted(line: QuarantineLine, { reasons, sources, event_types, since, until }: Wanted): boolean {
  return (
    (reasons?.has(line.reason) ?? true) &&
    (sources?.has(sourceOf(line)) ?? true) &&
    (event_types?.has(line.event_type ?? '') ?? true) &&
    line.arrival >= (since ?? Number.NEGATIVE_INFINITY) &&
    line.arrival < (until ?? Number.POSITIVE_INFINITY)
  );
}

/** Days of folders that may hold lines of that time: an object lies in the day of its first line. */
export function daysOf({ since, until }: Wanted): { readonly from?: string; readonly to?: string } {
  return {
    ...(since === undefined ? {} : { from: dayOf(Math.max(0, since - DAY)) }),
    ...(until === undefined ? {} : { to: dayOf(until) }),
  };
}

/** Who sent a line: what it says itself, or whose intake refused it; empty where neither is known. */
export function sourceOf(line: Pick<QuarantineLine, 'source' | 'shard_id'>): string {
  return line.source ?? intakeOf(line.shard_id)?.source ?? '';
}

export const isReason = (text: string): text is RejectionReason =>
  (REJECTION_REASONS as readonly string[]).includes(text);
