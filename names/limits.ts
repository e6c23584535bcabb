/** Limits that hold on every way in and out, in both languages. Bytes, unless the comment says otherwise. */

/** The one limit on every way in: live, put, history, replay, evaluation. Kinesis takes 1 MiB; a state holds a part of it. */
export const MAX_EVENT_BYTES = 256 * 1024;

/** A file that a source's function reads; what is larger the import job reads. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;

/** Names and values of all attributes (DynamoDB, quotas). */
export const MAX_ITEM_BYTES = 400 * 1024;

/** What a state may need of an item, which ends at 400 KB; the rest is for keys, watermarks and what later code may add. */
export const MAX_STATE_BYTES = 350 * 1024;

/**
 * Days that the compaction remembers merged objects, counted back from the newest, and that its weekly run looks back: longer
 * than a stream's batch that was given up is kept (30 days) and could be put back after the longest wait (7 days).
 */
export const ARCHIVE_DAYS = 45;
