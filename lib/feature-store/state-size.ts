import type { UseCaseIR } from '../../core/ir/document.ts';
import { compileView } from '../../core/state/plan.ts';
import { largestStateBytes } from '../../core/state/state-size.ts';
import { MAX_STATE_BYTES } from '../../names/limits.ts';

/** A sentence for each view whose states may outgrow an item of the features table; events beyond are refused as OVERSIZE. */
export function stateSizeWarnings({ views, contracts }: Pick<UseCaseIR, 'views' | 'contracts'>): string[] {
  return views.flatMap((view) => {
    const bytes = largestStateBytes(compileView(view), contracts);
    if (bytes <= MAX_STATE_BYTES) return [];
    return [
      `${view.name}: a state may need up to ${Math.ceil(bytes / 1024)} KiB by its windows and caps; allowed: ` +
        `${MAX_STATE_BYTES / 1024} KiB, beyond which events are refused as OVERSIZE; narrow windows, caps or maxLength`,
    ];
  });
}
