import { GetObjectCommand } from '@aws-sdk/client-s3';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import type { Clients } from './connection.ts';
import type { Resources } from './resources.ts';

/** The compiled use case that the jobs read: what is deployed, whatever stands in this folder. */
export async function deployedUseCase({ s3 }: Pick<Clients, 's3'>, resources: Resources): Promise<UseCaseIR> {
  const { hostname, pathname } = new URL(resources.get('useCase'));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: hostname, Key: pathname.slice(1) }));
  return parseUseCase(JSON.parse((await Body?.transformToString()) ?? 'null'));
}
