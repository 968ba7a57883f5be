"""The base of every metadata document: frozen, strict about JSON types, keeping the unknown.

Says nothing about OME; the documents themselves are in the modules beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from iohub.errors import DocumentError, FrozenError, Problem
from iohub.types import JsonObject

TO_DICT_SETTINGS: dict[str, Any] = {"exclude_none": True, "by_alias": True}
"""Keyword arguments of ``model_dump`` that give what is written to disk."""

# Members whose JSON spelling is not camelCase.
_SPELLINGS = {
    "maximum_field_count": "maximumfieldcount",
    "start_time": "starttime",
    "end_time": "endtime",
    "field_count": "field_count",
    "label_value": "label-value",
    "image_label": "image-label",
}


_SCALARS = frozenset((str, int, float, bool))


def _json_name(name: str) -> str:
    return _SPELLINGS.get(name) or to_camel(name)


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise FrozenError(
        "metadata documents are frozen: change what is stored through the node, such as with "
        "rename_channel(), set_transform() or zattrs"
    )


class FrozenDict(dict[str, Any]):
    """A JSON object that cannot be changed; compares, prints and dumps like a dict."""

    __setitem__ = __delitem__ = _refuse
    __ior__ = _refuse
    pop = popitem = clear = update = setdefault = _refuse

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle through the constructor: the default would set items."""
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A JSON array that cannot be changed; compares, prints and dumps like a list."""

    __setitem__ = __delitem__ = _refuse
    __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle through the constructor: the default would append."""
        return type(self), (list(self),)


class FrozenTuple(tuple[Any, ...]):
    """A sequence in a document; a list or tuple of equal members equals it."""

    __slots__ = ()
    __hash__ = tuple.__hash__

    def __eq__(self, other: object) -> bool:
        return super().__eq__(tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def freeze(value: Any) -> Any:
    """Copy a JSON value into one that cannot be changed.

    Parameters
    ----------
    value : JSON value
        Mappings become :class:`FrozenDict`, lists and tuples :class:`FrozenList`.
    """
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(member) for key, member in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([freeze(member) for member in value])
    return value


def thaw(value: Any) -> Any:
    """Copy a JSON value, frozen or not, into plain dicts and lists.

    Parameters
    ----------
    value : JSON value
        What is copied, all the way down; tuples become lists.
    """
    if isinstance(value, Mapping):
        return {key: thaw(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(member) for member in value]
    return value


def _plain_number(value: Any) -> Any:
    # NumPy scalars are numbers to everybody but a strict validator.
    return value.item() if hasattr(value, "item") else value


def _plain_vector(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple) and not _SCALARS.issuperset(map(type, value)):
        return [_plain_number(number) for number in value]
    return value  # such as lists from JSON


T = TypeVar("T")

Str = StrictStr
Int = StrictInt
Bool = StrictBool
Number = Annotated[float, Strict(), BeforeValidator(_plain_number)]
Many: TypeAlias = Annotated[tuple[T, ...], AfterValidator(FrozenTuple)]
NONE = FrozenTuple()
"""What a member of many has if it is absent."""
Vector = Annotated[
    Many[Annotated[float, Strict(), Field(allow_inf_nan=False)]], BeforeValidator(_plain_vector)
]
JsonValue = Annotated[Any, AfterValidator(freeze)]


class Document(BaseModel):
    """Base of the metadata documents.

    Attributes are snake_case, members in JSON are spelled as the specification does; either is
    accepted by the constructor, and either can be read. Types are those of JSON: ``"100"`` is no
    number and ``true`` no integer, but an integer will do for a float. Members that iohub does not
    know are kept.
    """

    model_config = ConfigDict(
        frozen=True, extra="allow", populate_by_name=True, alias_generator=_json_name
    )

    __pydantic_extra__: dict[str, JsonValue]

    if not TYPE_CHECKING:  # else a type checker takes every name for one that may be set
        __setattr__ = __delattr__ = _refuse

    if not TYPE_CHECKING:  # type checkers know the attributes, which are snake_case

        def __getattr__(self, name: str) -> Any:
            """Return a member by its name in JSON, such as ``coordinateTransformations``."""
            attribute = _attributes(type(self)).get(name)
            return super().__getattr__(name) if attribute is None else getattr(self, attribute)

    def replace(self, **changes: Any) -> Self:
        """Return a validated copy with some members changed.

        Parameters
        ----------
        **changes
            New values, by attribute name.

        Raises
        ------
        pydantic.ValidationError
            If a new value has the wrong type.
        """
        return type(self).model_validate({**dict(self), **changes})

    def to_json(self) -> JsonObject:
        """Return the JSON object that is written: absent members omitted, unknown ones kept."""
        written: JsonObject = {}
        values = self.__dict__
        for name, key, required in _written_members(type(self)):
            value = values[name]
            if type(value) in _SCALARS:
                written[key] = value
            elif value is not None and (required or value != ()):
                written[key] = _to_json(value)
        for key, value in (self.__pydantic_extra__ or {}).items():
            written[key] = _to_json(value)
        return written


@cache
def _written_members(model: type[Document]) -> tuple[tuple[str, str, bool], ...]:
    """Name, spelling in JSON, and whether it is required, of each member that is written."""
    return tuple(
        (name, field.alias or name, field.is_required())
        for name, field in model.model_fields.items()
        if not field.exclude
    )


@cache
def _attributes(model: type[Document]) -> dict[str, str]:
    """Return the attributes of a document that have another name in JSON, by that name."""
    fields = model.model_fields.items()
    return {field.alias: name for name, field in fields if field.alias and field.alias != name}


def _to_json(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Document):
        return value.to_json()
    if isinstance(value, tuple):
        return [_to_json(member) for member in value]
    return thaw(value)


class Findings(NamedTuple):
    """What a check found in a document.

    Attributes
    ----------
    must : list of Problem
        Breaks a rule without which the data are ambiguous; such a document is refused.
    should : list of Problem
        Readable, but not as the specification wants it; refused only by strict parsing.
    """

    must: list[Problem]
    should: list[Problem]

    @classmethod
    def none(cls) -> Findings:
        """Return findings to be filled."""
        return cls([], [])


@lru_cache(maxsize=4096, typed=True)
def pointer(*parts: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a member.

    Parameters
    ----------
    *parts : str or int
        Names and indexes from the root of the document.
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


D = TypeVar("D", bound=Document)


def validate(model: type[D], value: Any, *where: str | int) -> D:
    """Build a document from JSON.

    Parameters
    ----------
    model : type of Document
        What to build.
    value : JSON value
        The member that holds it.
    *where : str or int
        Where that member is, for the messages.

    Raises
    ------
    DocumentError
        If a member is missing or has the wrong type; every such member is listed.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise DocumentError(_problems(error, where)) from None


def _problems(error: ValidationError, where: tuple[str | int, ...]) -> Iterable[Problem]:
    for detail in error.errors(include_url=False, include_context=False):
        place = pointer(*where, *detail["loc"])
        if detail["type"] == "missing":
            yield Problem(place, "is required and missing", "missing")
            continue
        shown = repr(detail["input"])
        shown = shown if len(shown) <= 80 else shown[:77] + "…"
        message = detail["msg"].removeprefix("Value error, ")
        # Rules of ours have a hyphen in their code, those of pydantic do not.
        code = detail["type"] if "-" in detail["type"] else "type"
        yield Problem(place, f"{message[:1].lower()}{message[1:]}, found {shown}", code)
