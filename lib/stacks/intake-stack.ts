import type { Construct } from 'constructs';
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { SERVICE, type Service } from '../../names/metrics.ts';
import { importJobOutput } from '../../names/outputs.ts';
import { tellFailures } from '../batch/job-failures.ts';
import { type SparkJob, sharedSparkCode } from '../batch/spark-job.ts';
import { CodeAsset } from '../foundation/code-asset.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { addressOf } from '../intake/address.ts';
import { jdbcAddress, tableAddress } from '../intake/addresses.ts';
import { BusSource, busAddress } from '../intake/bus-source.ts';
import { addDriftAlarms } from '../intake/drift-alarm.ts';
import { FileSource } from '../intake/file-source.ts';
import { HttpSource } from '../intake/http-source.ts';
import type { ImportProps } from '../intake/import-job.ts';
import { IntakeApi } from '../intake/intake-api.ts';
import type { SourceProps } from '../intake/intake-source.ts';
import { JdbcSource } from '../intake/jdbc-source.ts';
import { addReadSource } from '../intake/read-source.ts';
import { TableSource } from '../intake/table-source.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import type { SourceWay } from '../monitoring/dashboard.ts';
import type { StorageStack } from './storage-stack.ts';
import type { TrainingStack } from './training-stack.ts';

/** The sources of the use case: a construct for each way by which each of them comes. */
export class IntakeStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  /** What counts for the dashboard. */
  readonly ways: readonly SourceWay[];
  private readonly storage: StorageStack;
  private readonly training: TrainingStack;
  /** Jobs that import tables. */
  private readonly imports: SparkJob[] = [];
  /** What all of them are made of. */
  private code?: Pick<ImportProps, 'sharedCode' | 'useCase'>;
  /** There once a source comes by HTTP. */
  private api?: IntakeApi;

  constructor(
    scope: Construct,
    id: string,
    props: TidemarkStackProps & {
      readonly storage: StorageStack;
      readonly training: TrainingStack;
      readonly sources: readonly SourceIR[];
    },
  ) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage, training, sources } = props;
    const { key, lake, stream, features, scores, alarmTopic } = storage;
    this.storage = storage;
    this.training = training;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common = { deployment, alarms: this.alarms, key, stream, lake, features, scores };
    this.ways = sources.flatMap((source) =>
      source.via.flatMap(({ kind }): SourceWay[] => {
        const service = this.add(kind, { ...common, source });
        return service === null ? [] : [{ source: source.name, service }];
      }),
    );
    addDriftAlarms(
      this.alarms,
      deployment,
      this.ways.map(({ service }) => service),
    );
    if (this.imports.length > 0)
      tellFailures(
        this,
        { alarms: this.alarms, alarmTopic, key },
        this.imports.map(({ job }) => job.jobName),
        'ImportFailureRule',
      );
    if (this.api) this.output('intakeUrl', this.api.url, 'HTTP API that takes the requests of sources: v1/in/<source>');
  }

  /** @returns what its metrics are counted by; null where the stage does not say where it is to be read, which is warned of */
  private add(kind: CarriageKind, props: SourceProps): Service | null {
    const { source, deployment } = props;
    const id = `${pascalCase(source.name)}${pascalCase(kind)}`;
    switch (kind) {
      case 'http':
        this.api ??= new IntakeApi(this, 'Api', { stage: deployment.stage });
        new HttpSource(this, id, { ...props, api: this.api, secret: this.storage.sourceSecrets[source.name]! });
        return SERVICE.intakeHttp;
      case 'bus': {
        const address = addressOf(this, deployment.stage, source, kind, busAddress);
        if (address === null) return null;
        new BusSource(this, id, { ...props, address });
        return SERVICE.intakeEvent;
      }
      case 'files':
        new FileSource(this, id, { ...props, landing: this.storage.landing! });
        return SERVICE.intakeFiles;
      case 'table': {
        const address = addressOf(this, deployment.stage, source, kind, tableAddress);
        if (address === null) return null;
        this.made(source, kind, new TableSource(this, id, { ...this.importing(props), address }).job);
        return SERVICE.importTable;
      }
      case 'jdbc': {
        const address = addressOf(this, deployment.stage, source, kind, jdbcAddress);
        if (address === null) return null;
        this.made(source, kind, new JdbcSource(this, id, { ...this.importing(props), address }).job);
        return SERVICE.importJdbc;
      }
      default:
        return addReadSource(this, id, kind, props);
    }
  }

  private importing(props: SourceProps): ImportProps {
    this.code ??= {
      sharedCode: sharedSparkCode(this),
      useCase: new CodeAsset(this, 'UseCase', { path: props.deployment.useCase.document }),
    };
    const { catalog } = this.storage;
    return { ...props, ...this.code, catalog, landing: this.training.jobs.get('landHistory') };
  }

  private made(source: SourceIR, kind: 'table' | 'jdbc', job: SparkJob): void {
    this.imports.push(job);
    this.outputCalled(
      importJobOutput(source.name, kind),
      job.job.jobName,
      `Glue job: imports what is new of ${source.name}`,
    );
  }
}
