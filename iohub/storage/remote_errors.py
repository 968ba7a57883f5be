"""What a server, or the way to it, says when it refuses: told apart, in words that help."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from iohub.errors import AccessError, IohubError, NotFoundError, UnreachableError

# Libraries whose errors are no OSError, and the class above all of theirs.
_FOREIGN = (
    ("obstore.exceptions", "BaseError"),
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
)
_STATUS = re.compile(r"status(?: code)?[:=] ?\"?(\d{3})\b ?([A-Z][A-Za-z ]+)?")
_RETRIES = re.compile(r"after (\d+) retries")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_CREDENTIALS = re.compile(r"credential|metadata.*(token|request)|instance metadata", re.IGNORECASE)
_HOST = re.compile(r"dns error|lookup address|name or service not known|nodename nor", re.I)
_REGION = re.compile(
    r"incorrectly configured region|PermanentRedirect|AuthorizationHeaderMalformed"
)

_ASK = (
    "pass credentials in the environment or by storage_options={…} if it is not public, and look "
    "at the spelling of the URL"
)


class NoBucketError(NotFoundError):
    """There is not even the bucket."""


def foreign_errors() -> tuple[type[BaseException], ...]:
    """Return the classes of what libraries raise that are loaded by now."""
    found: list[type[BaseException]] = [OSError]
    for module, name in _FOREIGN:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            found.append(kind)
    return tuple(found)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what a library raises as an error of ours that says what was refused.

    Parameters
    ----------
    where : str
        What was asked for, for people.

    Raises
    ------
    NotFoundError
        If it is not there.
    AccessError
        If it may not be had.
    UnreachableError
        If the server cannot be reached, or cannot answer.
    """
    try:
        yield
    except IohubError:
        raise
    except foreign_errors() as error:
        raise explained(error, where) from error


def explained(error: BaseException, where: str) -> NotFoundError | AccessError | UnreachableError:
    """Return the error of ours for one of a library's.

    Parameters
    ----------
    error : Exception
        One of :func:`foreign_errors`.
    where : str
        What was asked for, for people.
    """
    text = str(error)
    found = _STATUS.search(text)
    status = getattr(error, "status", None) or (int(found[1]) if found else None)
    if isinstance(error, FileNotFoundError) or status == 404:
        code = _CODE.search(text)
        if code is not None and code[1] in ("NoSuchBucket", "ContainerNotFound"):
            return NoBucketError(f"{where}: there is no such bucket; look at its spelling")
        return NotFoundError(f"{where}: there is no such object")
    name = type(error).__name__
    if isinstance(error, PermissionError) or status in (401, 403) or name in _REFUSALS:
        status = status or _REFUSALS.get(name, 403)
        said = "401 Unauthorized" if status == 401 else "403 Forbidden"
        refusal = AccessError(f"{where}: the server refuses access ({said}); {_ASK}")
        refusal.status = status
        return refusal
    if _REGION.search(text):
        return AccessError(
            f"{where}: the bucket is in another region; pass storage_options={{'region': …}}"
        )
    if _HOST.search(text):
        return UnreachableError(
            f"{where}: the name of the server is not known (DNS); look at the URL's spelling and "
            "the network"
        )
    return _trouble(text, status, where)


_REFUSALS = {"PermissionDeniedError": 403, "UnauthenticatedError": 401}


def _trouble(text: str, status: int | None, where: str) -> AccessError | UnreachableError:
    retries = _RETRIES.search(text)
    tried = f" after {retries[1]} retries" if retries and retries[1] != "0" else ""
    if status is not None:
        return UnreachableError(f"{where}: the server answers {status}{tried}; try again later")
    for sign, said in (
        ("onnection refused", "the server refuses connections"),
        ("imed out", "the server does not answer in time"),
        ("imeout", "the server does not answer in time"),
        ("ertificate", "the server's certificate is not accepted"),
    ):
        if sign in text:
            return UnreachableError(f"{where}: {said}{tried}")
    first = text.partition("\n")[0]
    if _CREDENTIALS.search(first):
        return AccessError(f"{where}: no credentials were got ({first:.200}); {_ASK}")
    return UnreachableError(f"{where}: the request failed{tried}: {first:.300}")
