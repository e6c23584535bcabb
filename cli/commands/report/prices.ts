/** List prices, USD, of what the report counts: of https://aws.amazon.com/dynamodb/pricing/on-demand/, …/lambda/pricing/, …/s3/pricing/ and …/sagemaker/ai/pricing/. */
export const PRICES = {
  region: 'us-east-1',
  as_of: '2026-11-27',
  /** Items of up to 1 KB. */
  per_million_writes: 0.625,
  /** Items of up to 4 KB, consistent. */
  per_million_reads: 0.125,
  per_million_calls: 0.2,
  per_million_puts: 5,
  instance_hour: { 'ml.m5.large': 0.115, 'ml.t2.medium': 0.056 } as Readonly<Record<string, number>>,
} as const;
