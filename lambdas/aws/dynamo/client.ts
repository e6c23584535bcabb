import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { patient } from '../patience.ts';

export const dynamoClient = (): DynamoDBClient => new DynamoDBClient(patient());
