import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { SERVICE, type Service } from '../../names/metrics.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { HttpSource } from '../intake/http-source.ts';
import { IntakeApi } from '../intake/intake-api.ts';
import type { SourceProps } from '../intake/intake-source.ts';
import { addReadSource } from '../intake/read-source.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import type { SourceWay } from '../monitoring/dashboard.ts';
import type { StorageStack } from './storage-stack.ts';

/** The sources of the use case: a construct for each way by which each of them comes. */
export class IntakeStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  /** What counts for the dashboard. */
  readonly ways: readonly SourceWay[];
  private readonly storage: StorageStack;
  /** There once a source comes by HTTP. */
  private api?: IntakeApi;

  constructor(
    scope: Construct,
    id: string,
    props: TidemarkStackProps & { readonly storage: StorageStack; readonly sources: readonly SourceIR[] },
  ) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage, sources } = props;
    const { key, lake, stream, features, scores, alarmTopic } = storage;
    this.storage = storage;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common = { deployment, alarms: this.alarms, key, stream, lake, features, scores };
    this.ways = sources.flatMap((source) =>
      source.via.flatMap(({ kind }): SourceWay[] => {
        const service = this.add(kind, { ...common, source });
        return service === null ? [] : [{ source: source.name, service }];
      }),
    );
    if (this.api) this.output('intakeUrl', this.api.url, 'HTTP API that takes the requests of sources: v1/in/<source>');
  }

  /** @returns what its metrics are counted by; null where the stage does not say where it is to be read */
  private add(kind: CarriageKind, props: SourceProps): Service | null {
    const { source } = props;
    const id = `${pascalCase(source.name)}${pascalCase(kind)}`;
    switch (kind) {
      case 'http':
        this.api ??= new IntakeApi(this, 'Api', { stage: props.deployment.stage });
        new HttpSource(this, id, { ...props, api: this.api, secret: this.storage.sourceSecrets[source.name]! });
        return SERVICE.intakeHttp;
      case 'kinesis':
      case 'dynamodb':
      case 'kafka':
      case 'logs':
      case 'iot':
        return addReadSource(this, id, kind, props);
      default:
        Annotations.of(this).addWarningV2(
          `tidemark:source-${source.name}-${kind}`,
          `sources.${source.name}: found no address of its ${kind} in this stage, so that way is not deployed; add it to sources.${source.name} of lib/config/${props.deployment.stage.stage}.ts.`,
        );
        return null;
    }
  }
}
