"""One model, two generations of names: the base of the models that the reference page shows.

The fields have the names of that page. The names that later releases gave them are taken as well,
when a model is made or read from JSON, and as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class TilesModel(BaseModel):
    """A model that refuses unknown names and takes each field under its other name too."""

    model_config = ConfigDict(extra="forbid")

    renamed: ClassVar[Mapping[str, str]] = {}
    """Later name of a field to the name that it has here."""

    later_defaults: ClassVar[Mapping[str, Any]] = {}
    """Defaults that hold where a later name is used."""

    later_names: ClassVar[frozenset[str]] = frozenset()
    """Fields that only the later generation has: to use one is to use that generation."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Give every field an attribute with its other name."""
        super().__pydantic_init_subclass__(**kwargs)
        for later, field in cls.renamed.items():
            if later not in cls.__dict__:
                setattr(cls, later, _other_name(field))

    @model_validator(mode="before")
    @classmethod
    def _take_both_generations(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        later = cls.later_names.intersection(values)
        for name, field in cls.renamed.items():
            if name not in values:
                continue
            if field in values:
                raise ValueError(f"{field!r} and {name!r} are one thing; give one of them")
            values[field] = values.pop(name)
            later |= {name}
        values, uses_later = cls.translated(values)
        if later or uses_later:
            for field, value in cls.later_defaults.items():
                values.setdefault(field, value)
        return values

    @classmethod
    def translated(cls, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return values under the names of the fields, and whether later names were among them.

        Overridden where one name became several.

        Parameters
        ----------
        values : dict
            What the model is made from; fields that were only renamed have their names here.
        """
        return values, False


def _other_name(field: str) -> property:
    def get(model: BaseModel) -> Any:
        return getattr(model, field)

    def put(model: BaseModel, value: Any) -> None:
        setattr(model, field, value)

    return property(get, put, doc=f"Other name of ``{field}``.")
