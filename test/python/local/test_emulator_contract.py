"""What the local cloud relies on in the pinned MiniStack, so that an upgrade that changes it says so here.

Each module says what it takes for granted (host/relies_on.py); here it is held against MiniStack, and what a module
says against what its source uses.
"""

import importlib
import importlib.metadata
import inspect
from pathlib import Path

import pytest
from emulator_names import declared, mentioned, modules, replaced, short_name, used

PINNED = "1.5.33"
ROOT = Path(__file__).parents[3]
MODULES = modules()
DECLARED = [(short_name(module), relied) for module in MODULES for relied in declared(module)]
FUNCTIONS = [(who, on.module, *item) for who, on in DECLARED for item in on.functions.items()]
VALUES = [(who, on.module, name) for who, on in DECLARED for name in on.values]
HAS = [(who, on.module, name, text) for who, on in DECLARED for name, texts in on.has.items() for text in texts]
LACKS = [(who, on.module, name, text) for who, on in DECLARED for name, texts in on.lacks.items() for text in texts]
# The launcher serves `ministack.app.app` itself, as it is once the plug-ins are registered.
SERVED = {"app"}


def test_the_version_is_the_pinned_one():
    found = importlib.metadata.version("ministack")
    assert found == PINNED, f"MiniStack is {found}: go through the plug-ins in local/tidemark_local, then pin it here"
    assert f"ministack=={PINNED}" in (ROOT / "requirements.in").read_text()


@pytest.mark.parametrize(("who", "module", "name", "parameters"), FUNCTIONS)
def test_functions_are_called_as_expected(who, module, name, parameters):
    function = getattr(importlib.import_module(f"ministack.{module}"), name, None)
    assert callable(function), f"{module}.{name} is gone: {who} relies on it"
    found = f"({', '.join(inspect.signature(function).parameters)})"
    assert found == parameters, f"{module}.{name} has other parameters: see {who}"


@pytest.mark.parametrize(("who", "module", "name"), VALUES)
def test_tables_and_classes_exist(who, module, name):
    assert hasattr(importlib.import_module(f"ministack.{module}"), name), f"{module}.{name} is gone: {who} relies on it"


@pytest.mark.parametrize(("who", "module", "name", "text"), HAS)
def test_what_is_replaced_is_looked_up_and_what_is_mended_is_still_broken(who, module, name, text):
    source = inspect.getsource(getattr(importlib.import_module(f"ministack.{module}"), name))
    assert text in source, f"{module}.{name} has no {text!r} any more: see {who}"


@pytest.mark.parametrize(("who", "module", "name", "text"), LACKS)
def test_what_the_emulator_lacks_it_lacks_still(who, module, name, text):
    """When one of these fails the emulator has mended it: the plug-in may be able to go."""
    source = inspect.getsource(getattr(importlib.import_module(f"ministack.{module}"), name))
    assert text not in source, f"{module}.{name} has {text!r} now: see {who}"


@pytest.mark.parametrize("module", MODULES, ids=short_name)
def test_each_module_says_what_it_uses_and_uses_what_it_says(module):
    said = {(on.module, name) for on in declared(module) for name in (*on.functions, *on.values)}
    assert used(module) - said == set(), "names of MiniStack that are used, and not declared"
    assert {name for _, name in said} - mentioned(module) == set(), "names that are declared, and not used"


@pytest.mark.parametrize("module", [module for module in MODULES if replaced(module)], ids=short_name)
def test_a_name_that_is_replaced_is_one_that_callers_look_up(module):
    looked_up = " ".join(text for on in declared(module) for texts in on.has.values() for text in texts)
    assert {name for name in replaced(module) - SERVED if name not in looked_up} == set()


@pytest.mark.parametrize("kind", ["AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Logs::LogGroup"])
def test_makers_of_resources_take_their_properties_where_they_are_checked(kind):
    """requests/templates.py reads them from the second argument of a create and the third of an update."""
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS[kind]
    assert list(inspect.signature(handler["create"]).parameters)[1] == "props"
    if "update" in handler:
        assert list(inspect.signature(handler["update"]).parameters)[2] == "new_props"


@pytest.mark.parametrize("service", ["dynamodb", "kinesis", "s3", "secretsmanager", "sns", "sqs"])
def test_no_service_asks_for_its_key_itself(service):
    """When this fails the emulator has begun to: kms/gate.py may be able to go."""
    assert "kms:Decrypt" not in inspect.getsource(importlib.import_module(f"ministack.services.{service}"))


def test_the_http2_library_still_takes_goaway_for_the_end():
    """host/http2.py changes this one transition, and drops one event in the server."""
    import h2.connection
    import hypercorn.protocol.h2

    machine = h2.connection.H2ConnectionStateMachine
    assert isinstance(machine._transitions, dict)
    source = inspect.getsource(hypercorn.protocol.h2.H2Protocol._handle_events)
    assert "ConnectionTerminated" in source and "await self.send(Closed())" in source
    assert inspect.iscoroutinefunction(hypercorn.protocol.h2.H2Protocol._handle_events)


def test_the_services_that_are_on_exist():
    from ministack import app
    from tidemark_local.host.launch import SERVICES

    assert len(SERVICES) > 20 and [name for name in SERVICES if name not in app.SERVICE_REGISTRY] == []
