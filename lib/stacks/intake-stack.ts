import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { SourceIR } from '../../core/ir/document.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { HttpSource } from '../intake/http-source.ts';
import { IntakeApi } from '../intake/intake-api.ts';
import type { IntakeProps } from '../intake/intake-source.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import type { StorageStack } from './storage-stack.ts';

/** The sources of the use case: a construct for each way by which each of them comes. */
export class IntakeStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  /** By the name they have on the dashboard. */
  readonly functions: Readonly<Record<string, IFunction>>;

  constructor(
    scope: Construct,
    id: string,
    props: TidemarkStackProps & { readonly storage: StorageStack; readonly sources: readonly SourceIR[] },
  ) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage, sources } = props;
    const { key, lake, stream, features, scores, alarmTopic } = storage;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common: IntakeProps = { deployment, alarms: this.alarms, key, stream, lake, features, scores };
    const functions: Record<string, IFunction> = {};
    const http = sources.filter(({ via }) => via.some(({ kind }) => kind === 'http'));
    if (http.length > 0) {
      const api = new IntakeApi(this, 'Api', { stage: deployment.stage });
      for (const source of http) {
        const id = `${pascalCase(source.name)}Http`;
        functions[id] = new HttpSource(this, id, {
          ...common,
          source,
          api,
          secret: storage.sourceSecrets[source.name]!,
        }).fn.function;
      }
      this.output('intakeUrl', api.url, 'HTTP API that takes the requests of sources: POST v1/in/<source>');
    }
    this.functions = functions;
  }
}
