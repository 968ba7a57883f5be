"""Functions by name: filters, validators, registration steps, collection handlers.

A registry belongs to its process. What is registered when a module is imported is there in every
worker that imports it; the steps of registration run before work is sent to workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from iohub.errors import ArgumentError, RegistryError

F = TypeVar("F", bound=Callable[..., Any])


class Registry(Generic[F]):
    """Functions by name.

    Parameters
    ----------
    what : str
        What messages call an entry.
    adder : str
        Name of the function that people register with.
    """

    def __init__(self, what: str, adder: str):
        self.what, self.adder = what, adder
        self._functions: dict[str, F] = {}

    def add(self, function: F, name: str | None = None, overwrite: bool = False) -> None:
        """Register a function.

        Parameters
        ----------
        function : callable
            The function.
        name : str, optional
            Its name here; that of the function if not given.
        overwrite : bool
            Whether it may take the place of another.

        Raises
        ------
        RegistryError
            If the name is taken; a :class:`ValueError`.
        ArgumentError
            If it is no function, or has no name.
        """
        given: Any = function
        name = getattr(given, "__name__", "") if name is None else name
        if not callable(given) or not name:
            raise ArgumentError(f"a {self.what} is a function with a name, not {function!r}")
        if name in self._functions and not overwrite:
            raise RegistryError(
                f"{self.what} {name!r} is already registered; give {self.adder}(overwrite=True) to "
                "replace it, or another name"
            )
        self._functions[name] = function

    def get(self, name: str) -> F:
        """Return a function.

        Parameters
        ----------
        name : str
            Its name.

        Raises
        ------
        RegistryError
            If there is none; a :class:`ValueError`.
        """
        function = self._functions.get(name)
        if function is None:
            near = get_close_matches(str(name), self._functions, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RegistryError(
                f"{self.what} {name!r} is not registered{hint}; there are "
                f"{', '.join(sorted(self._functions))}; register it with {self.adder}() in a "
                "module that workers import too"
            )
        return function

    def remove(self, name: str) -> None:
        """Take a function out; nothing happens if there is none.

        Parameters
        ----------
        name : str
            Its name.
        """
        self._functions.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions


def step_parts(step: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and the keyword arguments of a step.

    Parameters
    ----------
    step : mapping
        ``{"name": …, "params": {…}}``.

    Raises
    ------
    ArgumentError
        If it is none; a :class:`TypeError` and a :class:`ValueError`.
    """
    if not isinstance(step, Mapping) or not isinstance(step.get("name"), str):
        raise ArgumentError(f"a step is {{'name': …, 'params': {{…}}}}, not {step!r}")
    params = step.get("params") or {}
    if not isinstance(params, Mapping):
        raise ArgumentError(f"params of step {step['name']!r} are no mapping: {params!r}")
    return str(step["name"]), dict(params)
