"""Event source mappings of Kinesis and DynamoDB streams and of Kafka, in place of the emulator's pollers.

The emulator's own poller counts a partial failure as success, retries for ever, has no destinations for Kinesis, and
starts a shard born from a split at its end. lane.py and stream.py decide instead, each rule beside the AWS
sentence it follows (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html). SQS mappings stay with the
emulator.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from ministack.core.responses import request_scope
from ministack.services import dynamodb, kinesis, lambda_svc

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession
from ..kms import event_sources
from .destinations import deliver, invocation_record
from .lane import Discard, Outcome, Settings, failures
from .mapping import Mapping, mapping_of
from .sources import source_for
from .stream import Invocation, StreamProcessor
from .translate import outcome_of, settings_of, truth

logger = logging.getLogger("tidemark.esm")
_READ_GAP_SECONDS = 0.1  # a shard is polled at most ten times a second, so that records gather while a batch is handled
_IDLE_SECONDS = 5.0
_DENIED_SECONDS = 1.0


class Poller:
    """Runs the mappings: one thread decides, and each batch in flight has its own."""

    def __init__(self, context: LocalContext):
        self._context = context
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._mappings: dict[str, Mapping] = {}
        self._sessions: dict[str, RoleSession] = {}
        self._stopped = False
        self.on_batch: list[Callable[[str, float], None]] = []  # (function name, age of the last record in seconds)
        self.on_read: list[Callable[[str, float], None]] = []  # (stream name, age of the last record read in seconds)

    def wake(self) -> None:
        self._wake.set()

    def start(self) -> None:
        threading.Thread(target=self._run, name="event-source-mappings", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def anchor(self, uuid: str, arn: str, starting: str) -> None:
        """Fixes where a new mapping starts, at the moment it is made: LATEST must not depend on when the poller comes
        by."""
        source = source_for(arn)
        if source is None or starting == "AT_TIMESTAMP":
            return
        with self._lock:
            if uuid not in self._mappings and source.identity():
                mapping = self._mappings[uuid] = Mapping(uuid, source)
                mapping.identity = source.identity()
                mapping.processor = StreamProcessor(Settings(), starting, None, source.shards())
        self.wake()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                with self._lock:
                    next_time = self._pass(time.time())
            except Exception:
                logger.exception("a pass over the event source mappings failed")
                next_time = time.time() + 1.0
            # The short pause bounds the passes a busy producer can cause.
            self._wake.wait(max(0.0, min(next_time - time.time(), _IDLE_SECONDS)))
            time.sleep(0.01)

    def _pass(self, now: float) -> float:
        """One look at every mapping; returns when the next is due though nothing wakes the poller."""
        due = now + _IDLE_SECONDS
        present = set()
        for account, region, esm in list(lambda_svc._iter_all_esms()):
            enabled = truth(esm.get("Enabled", True))
            mapping = self._mappings.get(esm["UUID"]) or mapping_of(esm, self.wake)
            # The group of a consumer remembers its place while a mapping of Kafka is switched off.
            if mapping is None or (mapping.is_kafka and not enabled):
                continue
            present.add(esm["UUID"])
            self._mappings[esm["UUID"]] = mapping
            if enabled:
                with request_scope(account, region):
                    due = min(due, self._advance(mapping, esm, now))
        for uuid in [uuid for uuid in self._mappings if uuid not in present]:
            processor = self._mappings[uuid].processor
            self._mappings[uuid].close()
            if processor is None or processor.idle:
                del self._mappings[uuid]
        return due

    def _advance(self, mapping: Mapping, esm: dict[str, Any], now: float) -> float:
        function, config = lambda_svc._get_func_record_for_qualifier(esm["FunctionName"], esm.get("Qualifier"))
        identity = mapping.source.identity()
        if function is None or config is None or identity is None:
            if mapping.is_kafka and mapping.source.problem:
                esm["LastProcessingResult"] = f"PROBLEM: {mapping.source.problem}"
            return now + 1.0
        if not self._may_read(mapping, esm, config["Role"], now):
            return now + _DENIED_SECONDS
        settings = settings_of(esm)
        shards = mapping.source.shards()
        if mapping.processor is None or mapping.identity != identity:
            starting, timestamp = esm.get("StartingPosition", "LATEST"), esm.get("StartingPositionTimestamp")
            if starting == "AT_TIMESTAMP" and timestamp is None:
                return now + 1.0
            mapping.processor, mapping.identity = StreamProcessor(settings, starting, timestamp, shards), identity
        processor = mapping.processor
        processor.update_settings(settings)
        processor.update_shards(shards)
        more = False
        if now >= mapping.next_read:
            mapping.next_read = now + _READ_GAP_SECONDS
            for shard_id, position, room in processor.wants():
                raw, at_end = mapping.source.read(shard_id, position, room)
                events = [mapping.source.event(shard_id, item, config["Role"]) for item in raw]
                kept = [mapping.source.record(event) for event in lambda_svc._apply_filter_criteria(events, esm)]
                self._count(esm, "PolledEventCount", len(raw))
                self._count(esm, "FilteredOutEventCount", len(raw) - len(kept))
                read_to = mapping.source.sequence(raw[-1]) if raw else None
                processor.offer(shard_id, kept, read_to, at_end, now)
                more = more or bool(raw)
                self._tell_age(mapping.source, raw, now)
        elif self._wake.is_set() or processor.wants():
            more = True
        invocations, discards = processor.next(now)
        self._discard(mapping, esm, config, discards, now)
        if mapping.is_kafka:
            mapping.source.commit(processor.done())
        for invocation in invocations:
            arguments = (mapping, esm, function, config, invocation)
            threading.Thread(target=self._invoke, args=arguments, name="esm-batch", daemon=True).start()
        times = [processor.wake_at(now), mapping.next_read if more else None]
        return min((moment for moment in times if moment is not None), default=now + _IDLE_SECONDS)

    def _tell_age(self, source: Any, raw: list[dict[str, Any]], now: float) -> None:
        if raw and source.batch_info == "KinesisBatchInfo":
            for listener in self.on_read:
                listener(source.arn.rsplit("/", 1)[-1], max(0.0, now - raw[-1]["ApproximateArrivalTimestamp"]))

    def _invoke(self, mapping: Mapping, esm: dict, function: dict, config: dict, invocation: Invocation) -> None:
        records = invocation.batch.records
        try:
            with request_scope(mapping.source.account, mapping.source.region):
                result = lambda_svc._execute_function(function, mapping.source.payload(records))
            if not result.get("error"):
                result = {**result, "body": mapping.source.response(result.get("body"))}
            outcome = outcome_of(result, config)
        except Exception as error:
            logger.exception("%s could not be invoked", esm["FunctionName"])
            outcome = Outcome(invoked=False, error=type(error).__name__)
        now = time.time()
        processor = cast(StreamProcessor, mapping.processor)  # made before its first batch
        with self._lock:
            failed = outcome.error is not None or not outcome.invoked
            self._count(esm, "InvokedEventCount", len(records))
            self._count(esm, "FailedInvokeEventCount", failures(outcome, records, processor.settings.partial))
            esm["LastProcessingResult"] = "PROBLEM: Function call failed" if failed else "OK"
            discards = processor.complete(invocation, outcome, now)
            self._discard(mapping, esm, config, discards, now)
        # Kafka's mappings tell how far behind they are by OffsetLag, which is not emulated.
        for listener in [] if mapping.is_kafka else self.on_batch:
            listener(esm["FunctionName"], now - records[-1].arrival)
        self.wake()

    def _discard(
        self, mapping: Mapping, esm: dict, config: dict, discards: list[tuple[str, Discard]], now: float
    ) -> None:
        destination = ((esm.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        for shard_id, discard in discards:
            logger.warning(
                "%s: %d records of %s given up (%s)",
                esm["FunctionName"],
                len(discard.records),
                shard_id,
                discard.condition,
            )
            if not destination:
                self._count(esm, "DroppedEventCount", len(discard.records))
            else:
                document = invocation_record(discard, mapping.source, shard_id, config["FunctionArn"], now)
                arguments = (mapping, esm, config, destination, document, discard, shard_id)
                threading.Thread(target=self._deliver, args=arguments, name="esm-destination", daemon=True).start()

    def _deliver(
        self, mapping: Mapping, esm: dict, config: dict, destination: str, document: dict, discard: Discard, shard: str
    ) -> None:
        try:
            session = self._session(config["Role"])
            deliver(session, mapping.source, destination, document, discard, mapping.uuid, shard)
            self._count(esm, "OnFailureDestinationDeliveredEventCount", len(discard.records))
        except Exception:
            logger.exception("the on-failure destination %s could not be reached", destination)
            dimensions = {"FunctionName": config["FunctionName"]}
            self._context.put_metric("AWS/Lambda", "DestinationDeliveryFailures", dimensions, 1, "Count")

    def _count(self, esm: dict, metric: str, value: int) -> None:
        """Metrics that a mapping has only when it asks for them
        (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html)."""
        if value and "EventCount" in ((esm.get("MetricsConfig") or {}).get("Metrics") or []):
            self._context.put_metric("AWS/Lambda", metric, {"EventSourceMappingUUID": esm["UUID"]}, value, "Count")

    def _session(self, role_arn: str) -> RoleSession:
        if role_arn not in self._sessions:
            self._sessions[role_arn] = RoleSession(self._context, role_arn)
        return self._sessions[role_arn]

    def _may_read(self, mapping: Mapping, esm: dict, role_arn: str, now: float) -> bool:
        if mapping.allowed_role == role_arn:
            return self._may_decrypt(mapping, esm, role_arn, now)
        if not mapping.checking and now >= mapping.check_at:
            mapping.checking = True
            threading.Thread(target=self._check, args=(mapping, esm, role_arn), name="esm-check", daemon=True).start()
        return False

    def _may_decrypt(self, mapping: Mapping, esm: dict, role_arn: str, now: float) -> bool:
        """Asks the stream's key before each read: the stores that are read here are not behind the gate of requests."""
        if mapping.is_kafka:
            return True
        if now < mapping.check_at:
            return mapping.may_decrypt
        problem = event_sources.refusal(self._context, mapping.source.arn, role_arn)
        if problem:
            esm["LastProcessingResult"] = f"PROBLEM: {problem}"
        mapping.may_decrypt = problem is None
        mapping.check_at = now + (_READ_GAP_SECONDS if mapping.may_decrypt else _DENIED_SECONDS)
        return mapping.may_decrypt

    def _check(self, mapping: Mapping, esm: dict, role_arn: str) -> None:
        """Calls the stream as the function's role, so that a missing grant is refused by IAM here as on AWS."""
        try:
            mapping.source.probe(self._session(role_arn))
            mapping.allowed_role = role_arn
        except Exception as error:
            logger.warning("%s cannot read %s: %s", esm["FunctionName"], mapping.source.arn, error)
            esm["LastProcessingResult"] = f"PROBLEM: {error}"
            mapping.check_at = time.time() + _DENIED_SECONDS
        mapping.checking = False
        self.wake()


class _Tee:
    """Stands for the emulator's wake event in one stream service, and wakes this poller as well."""

    def __init__(self, original: threading.Event, poller: Poller):
        self._original, self._poller = original, poller

    def set(self) -> None:
        self._original.set()
        self._poller.wake()


def register(context: LocalContext) -> Poller:
    """Replaces the emulator's stream pollers. Call it once, before requests are served."""
    poller = Poller(context)
    lambda_svc._poll_kinesis = lambda: False
    lambda_svc._poll_dynamodb_streams = lambda: False
    lambda_svc._init_stream_position = poller.anchor
    for module in (kinesis, dynamodb):
        cast(Any, module).esm_wake = _Tee(module.esm_wake, poller)
    context.on_stop(poller.stop)
    poller.start()
    global current
    current = poller
    return poller


current: Poller | None = None


PLUGIN = Plugin(
    name="lambda_esm.mappings",
    service="Lambda event source mappings",
    words=__doc__,
    alone=(
        "Counts a partial failure as success, retries for ever, has no destinations for Kinesis, and starts a "
        "shard born from a split at its end."
    ),
    register=register,
    operations=["lambda:CreateEventSourceMapping"],
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn("services.cloudformation.provisioners", has={"_lambda_esm_create": ["_init_stream_position"]}),
        ReliesOn("services.dynamodb", has={"_emit_stream_event": ["esm_wake"]}),
        ReliesOn("services.kinesis", has={"_put_record": ["esm_wake"], "_put_records": ["esm_wake"]}),
        ReliesOn(
            "services.lambda_svc",
            functions={
                "_apply_filter_criteria": "(records, esm)",
                "_execute_function": "(func, event)",
                "_get_func_record_for_qualifier": "(name, qualifier)",
                "_init_stream_position": "(esm_id, source_arn, starting)",
                "_iter_all_esms": "()",
                "_poll_dynamodb_streams": "()",
                "_poll_kinesis": "()",
            },
            has={"_poll_loop": ["_poll_kinesis", "_poll_dynamodb_streams"], "_create_esm": ["_init_stream_position"]},
            lacks={"_poll_kinesis": ["batchItemFailures"]},
        ),
    ],
)
