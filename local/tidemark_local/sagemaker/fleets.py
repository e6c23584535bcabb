"""The fleets behind an endpoint: an update starts a new one beside the old, shifts the traffic, and ends one of them.

An endpoint's record holds the fleet that serves as `_variants`; while an update shifts traffic also `_green`, the new
fleet's variants, and `_green_share`, its part of the requests.
"""

import logging
import random
import threading

from . import rollout
from .errors import validation
from .models import find_model
from .state import SageMakerState, now
from .variants import StartError, Variant

logger = logging.getLogger("tidemark.sagemaker.fleets")


def make(state: SageMakerState, endpoint: str, config: dict) -> list[Variant]:
    """The variants of a configuration, not yet started. Raises ValidationException when a model is gone."""
    capture = config.get("DataCaptureConfig")
    return [
        Variant(state.context, endpoint, variant, find_model(state, variant["ModelName"]), capture, shadow)
        for shadow, variants in (
            (False, config["ProductionVariants"]),
            (True, config.get("ShadowProductionVariants", [])),
        )
        for variant in variants
    ]


def instances(state: SageMakerState, instance_type: str) -> int:
    """Instances of a type in all fleets, also those that start or are about to end."""
    return sum(
        variant.instances
        for endpoint in state.endpoints.values()
        for variant in (*endpoint["_variants"], *endpoint["_green"])
        if variant.config.get("InstanceType") == instance_type
    )


def start(fleet: list[Variant], endpoint: str) -> list[str]:
    """Starts the variants together; the reasons of those that did not come up."""
    failures: list[str] = []

    def one(variant: Variant) -> None:
        try:
            variant.start()
        except StartError as error:
            failures.append(str(error))
        except Exception as error:
            logger.exception("variant %s of %s", variant.name, endpoint)
            failures.append(f"Request to service failed: {error}")

    threads = [threading.Thread(target=one, args=(variant,), daemon=True) for variant in fleet]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def bring_up(state: SageMakerState, endpoint: dict, config_name: str, plan: rollout.Rollout) -> None:
    """Starts the endpoint's `_green` fleet and lets it take over by the plan. When it does not start, or an alarm rings
    on the way, the fleet before it stays; without one the endpoint is Failed."""
    green = endpoint["_green"]
    failures = start(green, endpoint["EndpointName"])
    reason = failures[0] if failures else None

    def deleted() -> bool:
        return state.endpoints.get(endpoint["EndpointName"]) is not endpoint or endpoint["_deleting"]

    mixed = None
    if not failures and not deleted():
        reason = _shift(state, endpoint, plan, deleted)
        mixed = _cannot_go_back(state, endpoint) if reason and plan.rolling else None
    with state.lock:
        left, endpoint["_mixed"] = endpoint.get("_mixed", []), []
        kept, share = [], 0.0
        if deleted():
            gone = [*green, *left]
        elif mixed or (reason and left):
            # "Both the rolling deployment and auto-rollback failed. Your endpoint is in service with a mix of the old
            # and new endpoint configurations."
            endpoint["EndpointStatus"], endpoint["FailureReason"] = "UpdateRollbackFailed", mixed or reason
            (gone, kept), share = (green, left) if left else ([], green), endpoint["_share_of_mix"]
        elif reason:
            gone = green
            # "Failed: Creation of endpoint failed". After a failed update it stays in service with what it had.
            endpoint["EndpointStatus"] = "InService" if endpoint["_variants"] else "Failed"
            endpoint["FailureReason"] = reason
        else:
            gone, endpoint["_variants"] = [*endpoint["_variants"], *left], green
            endpoint["EndpointConfigName"], endpoint["EndpointStatus"] = config_name, "InService"
            endpoint.pop("FailureReason", None)
        endpoint["_green"], endpoint["_green_share"] = kept, share
        endpoint["LastModifiedTime"] = now()
    for variant in gone:
        variant.stop()


def _cannot_go_back(state: SageMakerState, endpoint: dict) -> str | None:
    """Whether instances of the old fleet do not start again; why."""
    again = [
        Variant(state.context, endpoint["EndpointName"], variant.config, variant.model)
        for variant in serving(endpoint["_variants"])
    ]
    failures = start(again, endpoint["EndpointName"])
    for variant in again:
        variant.stop()
    return failures[0] if failures else None


def _shift(state: SageMakerState, endpoint: dict, plan: rollout.Rollout, deleted) -> str | None:
    """Moves the traffic step by step, each followed by its bake; why it moved back, or None."""
    for share in plan.shares:
        with state.lock:
            endpoint["_green_share"] = share
        wait = plan.termination_seconds if share == 1.0 else plan.wait_seconds
        alarm = rollout.ringing(state.context, plan.alarms, wait, deleted)
        if alarm:
            with state.lock:
                endpoint["_share_of_mix"] = share
                endpoint["_green_share"] = 0.0
                if endpoint["EndpointStatus"] == "Updating":
                    endpoint["EndpointStatus"] = "RollingBack"
            rollout.roll_back_pause(state.context)
            return f"The deployment was rolled back: the alarm {alarm} was in ALARM state."
        if deleted():
            return None
    return None


def pick(endpoint: dict, target: str | None) -> tuple[Variant | None, Variant | None]:
    """The variant for one request, and the shadow that gets a copy of it: the fleet by its part of the traffic, in it
    by weight. None when `target` names no variant, and when there is no shadow or its share leaves this request out.
    Raises ValidationException when all weights are 0."""
    green = endpoint["_green"] and random.random() < endpoint["_green_share"]
    fleet = endpoint["_green"] if green or not endpoint["_variants"] else endpoint["_variants"]
    variants, shadow = serving(fleet), next((variant for variant in fleet if variant.is_shadow), None)
    if target:
        chosen = next((variant for variant in variants if variant.name == target), None)
    else:
        weights = [variant.weight for variant in variants]
        if not sum(weights):
            raise validation(
                f"All variants of endpoint {endpoint['EndpointName']} have the weight 0: name a TargetVariant."
            )
        chosen = random.choices(variants, weights)[0]
    # The weight of a shadow is to its production variant's as its requests are.
    if chosen is None or shadow is None or random.random() * (chosen.weight or 1) >= shadow.weight:
        return chosen, None
    return chosen, shadow


def serving(fleet: list[Variant]) -> list[Variant]:
    """Those that answer: not the shadow."""
    return [variant for variant in fleet if not variant.is_shadow]
