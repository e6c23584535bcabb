/** How features are declared by aggregations: what `import … from 'tidemark'` has of them. */
export { count } from './count.ts';
export { countDistinct } from './count-distinct.ts';
export { first, last } from './ends.ts';
export { bottomK, topK } from './extreme-k.ts';
export { max, min } from './extremes.ts';
export { firstK } from './first-k.ts';
export { histogram } from './histogram.ts';
export { lastK } from './last-k.ts';
export { mean } from './mean.ts';
export { quantile } from './quantile.ts';
export { stddev, stddevSample } from './stddev.ts';
export { sum } from './sum.ts';
export { timeSinceFirst, timeSinceLast } from './times.ts';
export { variance } from './variance.ts';
