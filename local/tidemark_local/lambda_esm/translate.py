"""The emulator's records of mappings and results, in the words of the engine."""

from typing import Any

from .lane import Outcome, Settings

KAFKA_WINDOW_SECONDS = 0.5


def settings_of(esm: dict[str, Any]) -> Settings:
    """The mapping's parameters with the defaults of
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html and
    https://docs.aws.amazon.com/lambda/latest/dg/msk-esm-parameters.html."""
    return Settings(
        batch_size=int(esm.get("BatchSize", 100)),
        window=float(esm.get("MaximumBatchingWindowInSeconds") or (KAFKA_WINDOW_SECONDS if esm.get("Topics") else 0)),
        max_retries=int(esm.get("MaximumRetryAttempts", -1)),
        max_age=int(esm.get("MaximumRecordAgeInSeconds", -1)),
        bisect=truth(esm.get("BisectBatchOnFunctionError", False)),
        partial="ReportBatchItemFailures" in (esm.get("FunctionResponseTypes") or []),
        lanes=int(esm.get("ParallelizationFactor") or 1),
    )


def outcome_of(result: dict[str, Any], config: dict[str, Any]) -> Outcome:
    """What the emulator's executor returned, as an outcome."""
    version = config.get("Version", "$LATEST")
    if result.get("throttle"):
        return Outcome(invoked=False, error="Throttled", version=version)
    if result.get("error"):
        return Outcome(error=result.get("function_error") or "Unhandled", body=result.get("body"), version=version)
    return Outcome(body=result.get("body"), version=version)


def truth(value: Any) -> bool:
    """CloudFormation hands booleans on as text at times."""
    return value.lower() == "true" if isinstance(value, str) else bool(value)
