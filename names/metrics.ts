/**
 * The one home of metric names: a Lambda that emits and the alarm or dashboard that reads import the same constant,
 * so that a renamed metric can't leave an alarm looking at nothing.
 */

export const METRIC_NAMESPACE = 'Tidemark';

/** Dimensions of every metric. `reason` is added to `Quarantined` only, `source` to `DriftFields`, `model_version` to scores. */
export const DIMENSION = {
  /** The function that emits it: a value of `SERVICE`. Powertools writes it from POWERTOOLS_SERVICE_NAME. */
  service: 'service',
  /** `local`, `dev` or `prod`. */
  stage: 'stage',
  /** Name of the use case: a stage may hold several, and their counts must not add up. */
  useCase: 'usecase',
  /** Why a record was quarantined: one of the closed list of reasons. */
  reason: 'reason',
  /** A source that the use case declares; `other` for all that it does not. */
  source: 'source',
  /** By which rule nobody was told of an alert; of `AlertsSuppressed`. */
  rule: 'rule',
  /** The model that answered, as it calls itself: of its scores and refusals only. */
  modelVersion: 'model_version',
} as const;

/**
 * Values of the `service` dimension: the folder names under `lambdas/` (the notifier folder holds two functions), `model`, and the
 * Glue jobs of the healing, of the check, of the compaction and of the analysis of experiments.
 */
export const SERVICE = {
  processor: 'processor',
  archiver: 'archiver',
  scorer: 'scorer',
  sweep: 'sweep',
  api: 'api',
  publisher: 'publisher',
  notifier: 'notifier',
  dispatcher: 'dispatcher',
  outcomes: 'outcomes',
  modelGate: 'model-gate',
  inProcess: 'in-process',
  retraining: 'retraining',
  mlflow: 'mlflow',
  healing: 'healing',
  consistency: 'consistency',
  compaction: 'compaction',
  experiments: 'experiments',
  intakeHttp: 'intake-http',
  intakeEvent: 'intake-event',
  intakeStream: 'intake-stream',
  intakeFiles: 'intake-files',
  importTable: 'import-table',
  importJdbc: 'import-jdbc',
  shadowComparison: 'shadow-comparison',
  /** Of whatever function asks the model: what its answers are. */
  model: 'model',
} as const;

export type Service = (typeof SERVICE)[keyof typeof SERVICE];

/** Unit: count, unless the comment says otherwise. */
export const METRIC = {
  /** processor: records that passed their contract. */
  eventsAdmitted: 'EventsAdmitted',
  /** processor: events folded into a state. */
  eventsApplied: 'EventsApplied',
  /** processor: events dropped because their id was seen within the dedupe horizon. */
  eventsDuplicate: 'EventsDuplicate',
  /** processor: events that a new view version found in its backfill and had counted too; the healing mends their states. */
  eventsDoubled: 'EventsDoubled',
  /** processor: events at or behind the state's watermark (a redelivery). */
  eventsSkipped: 'EventsSkipped',
  /** processor: events whose time was ahead of their arrival and was clamped to it. */
  eventsClamped: 'EventsClamped',
  /** processor: records whose partition key was not their entity, put again under the right key. */
  eventsMisrouted: 'EventsMisrouted',
  /** processor, archiver: events and refused records of erased entities, dropped. */
  eventsErased: 'EventsErased',
  /**
   * processor, intakes: fields of records that are not as their contract or their source's map has them (schema drift), each once
   * a record: unknown, lost, of another type, an enum's new value, unknown types and versions of events; once a process items
   * and API versions that a source had not sent before. Also emitted with the dimension `source`.
   */
  driftFields: 'DriftFields',
  /** processor: records sent to the quarantine. Also emitted with the dimension `reason`. */
  quarantined: 'Quarantined',
  /** processor: states written. */
  statesWritten: 'StatesWritten',
  /** processor: conditional writes that lost to another writer and were retried. */
  stateWriteConflicts: 'StateWriteConflicts',
  /** processor, scorer, sweep, api: states that could not be read; the healing mends them. */
  statesUnreadable: 'StatesUnreadable',
  /** processor: bytes of an encoded state (unit bytes). */
  stateBytes: 'StateBytes',
  /** intakes: records that a source's function was given; as all of these, with the dimension `source` alone. */
  intakeReceived: 'IntakeReceived',
  /** intakes: events that the stream took. */
  intakeEvents: 'IntakeEvents',
  /** intakes: items that could not be read or mapped, kept in the quarantine. */
  intakeRefused: 'IntakeRefused',
  /** intakes: items that no rule of the map asks for. */
  intakeIgnored: 'IntakeIgnored',
  /** intakes: gaps that the source admits. */
  intakeGaps: 'IntakeGaps',
  /** intakes: entities that were forgotten on the source's word. */
  intakeErasures: 'IntakeErasures',
  /** intakes: records that were not taken as a whole and come again. */
  intakeFailed: 'IntakeFailed',
  /** intakes: files that were left where they are, as too large for a function. */
  intakeFilesTooLarge: 'IntakeFilesTooLarge',
  /** intake-http: requests that were answered with 4xx: their sender keeps them. With the dimension `source` alone. */
  intakeTurnedAway: 'IntakeTurnedAway',
  /** intake-http: requests that were answered with 503 and come again. With the dimension `source` alone. */
  intakeUnanswered: 'IntakeUnanswered',
  /** intakes: from when a record came to its own door (a stream, a bus, the API) to when our stream took its events (unit milliseconds). */
  intakeLagMs: 'IntakeLagMs',
  /** archiver: events written to the archive. */
  eventsArchived: 'EventsArchived',
  /**
   * scorer: age of the newest event in a state when it is scored, from arrival to score (unit milliseconds). In a replay by
   * its clock, the newest arrival of all entities.
   */
  freshnessMs: 'FreshnessMs',
  /** scorer, sweep: entities that got a score. */
  entitiesScored: 'EntitiesScored',
  /** scorer, sweep, api: entities that got none: model and view disagree, fence missing, endpoint refused. */
  scoreRefused: 'ScoreRefused',
  /** scorer (entities), sweep (runs): not scored because no model has ever scored yet: the first day, and no fault. */
  scoringAwaited: 'ScoringAwaited',
  /** scorer: entities whose model failed or hung; their batch is delivered again. */
  scoringFailed: 'ScoringFailed',
  /** scorer, sweep, api: requests that the challenger of an experiment failed, so that the champion answered them. */
  challengerFailed: 'ChallengerFailed',
  /** scorer, sweep, api: models in service that a function could not load, so that the one before went on serving there. */
  modelNotLoaded: 'ModelNotLoaded',
  /**
   * model: the scores that it gave (0 to 1), whoever asked; as the three below, counted together, and beside that with the
   * dimension `model_version`.
   */
  score: 'ModelScore',
  /** model: 1 of a score above the alerts' threshold, else 0. */
  scoreAboveThreshold: 'ScoreAboveThreshold',
  /** model: answers with scores that are no probabilities (NaN, or beyond 0 to 1). */
  scoresInvalid: 'ScoresInvalid',
  /** model: refusals by a model of a definition that nothing deployed asks by. */
  definitionUnknown: 'DefinitionUnknown',
  /** scorer, sweep, dispatcher: alerts decided and written to the outbox. */
  alertsRaised: 'AlertsRaised',
  /** scorer, sweep: alerts that began to wait for their turn. */
  alertsWaiting: 'AlertsWaiting',
  /** scorer, sweep, dispatcher: alerts that nobody was told of. Also emitted with the dimension `rule`. */
  alertsSuppressed: 'AlertsSuppressed',
  /** scorer, sweep, dispatcher: batches and runs in which the guard told nobody, as too many scores were above the threshold. */
  modelDoubted: 'ModelDoubted',
  /** outcomes: what people said of alerts. */
  outcomesTaken: 'OutcomesTaken',
  /** outcomes: requests that were refused: not Slack's, too old, or of an alert that there is not. */
  outcomesRefused: 'OutcomesRefused',
  /** publisher: alerts handed from the outbox to the topic. */
  alertsPublished: 'AlertsPublished',
  /** notifier: alerts that Slack took. */
  alertsSent: 'AlertsSent',
  /** notifier: failed attempts to send an alert. */
  alertSendFailures: 'AlertSendFailures',
  /** sweep: entities looked at. */
  sweepEntities: 'SweepEntities',
  /** sweep: 1 of a run whose time was over before its slice, else 0. */
  sweepIncomplete: 'SweepIncomplete',
  /** api: requests answered, whatever the status. */
  apiRequests: 'ApiRequests',
  /** api: entities answered with their last stored score, as the model did not answer in time. */
  scoresDegraded: 'ScoresDegraded',
  /** api, sweep: vectors whose newest event is older than the freshness the use case expects, or missing. */
  staleVectors: 'StaleVectors',
  /** healing: states that differ from what all events of their entity give, for no known cause. */
  healingDiverged: 'HealingDiverged',
  /** healing: states written anew. */
  healingRepaired: 'HealingRepaired',
  /** consistency: predictions whose vector was replayed offline. */
  predictionsChecked: 'PredictionsChecked',
  /** consistency: of these, those whose replay gives another vector than was served. */
  predictionsMismatched: 'PredictionsMismatched',
  /** experiments: those whose variants did not get the shares they were assigned in. */
  sampleRatioMismatches: 'SampleRatioMismatches',
  /** compaction: batches that the archiver gave up and the archive still lacks. */
  archiveGaps: 'ArchiveGaps',
  /** mlflow: trainings and deployments that MLflow did not take; they went on without. */
  mlflowFailed: 'MlflowFailed',
} as const;

export type MetricName = (typeof METRIC)[keyof typeof METRIC];

/** What model/train.py says of a model, one log line a metric: SageMaker's metrics of the training job. */
export const TRAINING_METRICS = [
  'auc',
  'average_precision',
  'brier',
  'calibration_error',
  'baseline_auc',
  'auc_gain_low',
] as const;
