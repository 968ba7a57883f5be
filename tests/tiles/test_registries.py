"""Functions by name."""

import pytest

from iohub.errors import ArgumentError, RegistryError
from iohub.tiles.registries import Registry, step_parts


def named(value: int) -> int:
    return value


def test_by_name_of_the_function_or_another() -> None:
    registry = Registry("step", "add_step")
    registry.add(named)
    registry.add(named, "other")
    assert registry.get("named") is registry.get("other") is named
    assert list(registry) == ["named", "other"]
    assert "named" in registry
    registry.remove("named")
    registry.remove("named")
    assert "named" not in registry


def test_names_that_are_taken_or_unknown() -> None:
    registry = Registry("step", "add_step")
    registry.add(named)
    with pytest.raises(RegistryError, match=r"step 'named' is already registered.*add_step"):
        registry.add(named)
    registry.add(named, overwrite=True)
    with pytest.raises(RegistryError, match="step 'nemed' is not registered; did you mean 'named'"):
        registry.get("nemed")
    for wrong in (3, None):
        with pytest.raises(ArgumentError):
            registry.add(wrong)


def test_steps() -> None:
    assert step_parts({"name": "a"}) == ("a", {})
    assert step_parts({"name": "a", "params": {"b": 1}}) == ("a", {"b": 1})
    for wrong in ({"name": 1}, {"name": "a", "params": [1]}, ["a"]):
        with pytest.raises(ArgumentError):
            step_parts(wrong)
