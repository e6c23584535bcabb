import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * Throttling and time-outs are tried again by the SDK, with backoff and jitter, well within a function's time: a hanging
 * connection must not use all of it up. A write whose answer was lost meets its own condition then, and is read again.
 */
export function dynamoClient(): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 5, requestHandler: { connectionTimeout: 2000, socketTimeout: 8000 } });
}
