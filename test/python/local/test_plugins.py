"""What each plug-in of the local cloud says of itself: names, operations, types of templates and sources there are."""

import pytest
from emulator_names import modules, short_name
from ministack.services.cloudformation import provisioners
from tidemark_local.host.limits import table
from tidemark_local.host.registry import MODULES, plugins
from tidemark_local.requests import models

PLUGINS = plugins()
OPERATIONS = [(plugin.name, operation) for plugin in PLUGINS for operation in plugin.operations]
TEMPLATES = [(plugin.name, *item) for plugin in PLUGINS for item in plugin.templates.items()]


def test_the_registry_names_every_plugin_once():
    found = [short_name(module) for module in modules() if hasattr(module, "PLUGIN")]
    assert sorted(MODULES) == sorted(found)
    assert [plugin.name for plugin in PLUGINS] == list(MODULES)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_says_whose_words_it_follows(plugin):
    assert plugin.sources, f"{plugin.name}: no address in its docstring"
    assert plugin.does.endswith((".", "?")) and plugin.alone.endswith(".") and plugin.service


@pytest.mark.parametrize(("plugin", "operation"), OPERATIONS)
def test_operations_are_those_of_the_api(plugin, operation):
    api, name = operation.split(":")
    assert models.operation(api, name), f"{plugin}: {api} has no operation {name}"


@pytest.mark.parametrize(("plugin", "kind", "replaced"), TEMPLATES)
def test_types_of_templates_have_what_is_replaced(plugin, kind, replaced):
    assert set(replaced) <= set(provisioners._RESOURCE_HANDLERS[kind]), f"{plugin}: see {kind}"


@pytest.mark.parametrize("kind", [kind for plugin in PLUGINS for kind in plugin.new_templates])
def test_new_types_of_templates_are_not_there_without_their_plugin(kind):
    """When this fails the emulator has begun to make them: the plug-in may be able to go."""
    assert kind not in provisioners._RESOURCE_HANDLERS


def test_limits_are_held_by_someone_there_is():
    holders = {row["held_by"] for row in table().values()}
    assert holders - {"model", "MiniStack"} <= set(MODULES)
