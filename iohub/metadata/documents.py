"""The base of every metadata document: frozen, strict about JSON types, keeping the unknown.

Says nothing about OME; the documents themselves are in the modules beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, NoReturn, Self, TypeVar

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

from iohub.errors import DocumentError, Problem
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
    raise TypeError(
        "metadata documents are frozen: set the value through the node's methods or zattrs"
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


Str = StrictStr
Int = StrictInt
Bool = StrictBool
Number = Annotated[float, Strict(), BeforeValidator(_plain_number)]
Vector = Annotated[
    tuple[Annotated[float, Strict(), Field(allow_inf_nan=False)], ...],
    BeforeValidator(_plain_vector),
]
JsonValue = Annotated[Any, AfterValidator(freeze)]


class Document(BaseModel):
    """Base of the metadata documents.

    Attributes are snake_case, members in JSON are spelled as the specification does; either is
    accepted by the constructor. Types are those of JSON: ``"100"`` is no number and ``true`` no
    integer, but an integer will do for a float. Members that iohub does not know are kept.
    """

    model_config = ConfigDict(
        frozen=True, extra="allow", populate_by_name=True, alias_generator=_json_name
    )

    __pydantic_extra__: dict[str, JsonValue]

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
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.exclude:
                continue
            if value is not None and not (value == () and not field.is_required()):
                written[field.alias or name] = _to_json(value)
        for name, value in (self.__pydantic_extra__ or {}).items():
            written[name] = _to_json(value)
        return written


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
