"""From a URL and its options to a store of obstore; what obstore does not know is for fsspec."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from iohub.errors import ArgumentError, PathError
from iohub.optional import have, need
from iohub.storage import credentials

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    _Made = tuple[str, tuple[Any, ...], dict[str, Any]]

EXTRA = "remote"
"""The extra of iohub that brings what remote stores need."""

_SCHEMES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}
_RETRIES = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
}
# A whole shard over a slow line takes its time, as long as something comes.
_CLIENT = {
    "connect_timeout": timedelta(seconds=10),
    "read_timeout": timedelta(seconds=60),
    "timeout": timedelta(minutes=30),
}
# What fsspec's users call the options, and what obstore does.
_S3_NAMES = {
    "anon": "skip_signature",
    "key": "access_key_id",
    "secret": "secret_access_key",
    "token": "session_token",
    "endpoint_url": "endpoint",
    "region_name": "region",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "requester_pays": "request_payer",
}
_AZURE_NAMES = {"anon": "skip_signature", "sas_token": "sas_key"}
# Whoever passes one of these needs nothing of the environment.
_SECRETS = {
    *("skip_signature", "access_key_id", "credential_provider", "account_key", "sas_key", "token"),
    *("client_id", "use_azure_cli", "use_emulator", "service_account", "service_account_key"),
    *("application_credentials", "bearer_token"),
}


class Place(NamedTuple):
    """A URL, taken apart.

    Attributes
    ----------
    scheme : str
        ``"s3"``, ``"gs"``, ``"az"``, ``"http"``, ``"https"``, or ``"fsspec"`` for all else.
    root : str
        Bucket, container or server.
    path : str
        Below it, without slashes at its ends.
    url : str
        The whole for people, without a password.
    """

    scheme: str
    root: str
    path: str
    url: str

    @property
    def writable(self) -> bool:
        """Whether things of that kind can be written."""
        return not self.scheme.startswith("http")

    def above(self) -> Place | None:
        """Return the place that this one lies in; None for a bucket or a server."""
        if not self.path:
            return None
        path = self.path.rpartition("/")[0]
        start = self.url.removesuffix(self.path).rstrip("/")
        return self._replace(path=path, url=f"{start}/{path}".rstrip("/"))


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises
    ------
    PathError
        If it names no bucket or server, or has a query.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    if "::" in url or scheme not in _KINDS:
        return Place("fsspec", "", "", url.rstrip("/"))
    if not parts.netloc:
        what = "server" if scheme.startswith("http") else "bucket"
        raise PathError(f"{url}: it names no {what}")
    if scheme.startswith("http") and (parts.query or parts.fragment):
        raise PathError(
            f"{url.partition('?')[0]}: a URL with '?' or '#' names one object, not the many of a "
            "store; pass what gives access as storage_options={'headers': {…}}"
        )
    root = parts.netloc.rpartition("@")[2] if scheme.startswith("http") else parts.netloc
    path = url.partition("://")[2].partition("/")[2].strip("/")
    return Place(scheme, root, path, f"{parts.scheme}://{root}/{path}".rstrip("/"))


def object_store(place: Place, url: str, options: Mapping[str, Any]) -> ObjectStore | None:
    """Return obstore's store of a place; None if that is for fsspec.

    Parameters
    ----------
    place : Place
        The URL, taken apart.
    url : str
        The URL as it was given.
    options : mapping
        By the names of obstore or of fsspec.

    Raises
    ------
    ArgumentError
        If there is no such option.
    MissingDependencyError
        If neither obstore nor fsspec is installed.
    """
    if place.scheme not in _KINDS or (not have("obstore") and have("fsspec")):
        return None
    stores = need("obstore.store", extra=EXTRA, why=f"{place.scheme}:// URLs")
    config = {str(name): value for name, value in options.items()}
    try:
        more: dict[str, Any] = {
            "client_options": {**_CLIENT, **config.pop("client_options", {})},
            "retry_config": {**_RETRIES, **config.pop("retry_config", {})},
        }
        kind, arguments, chosen = _KINDS[place.scheme](place, url, config, more["client_options"])
        found: ObjectStore = getattr(stores, kind)(*arguments, **chosen, **more)
    except (TypeError, ValueError, need("obstore.exceptions").BaseError) as error:
        if isinstance(error, ArgumentError):
            raise
        said = str(error).partition("\n")[0]
        raise ArgumentError(
            f"storage_options for {place.url}: {said}; they are called as in obstore or fsspec. A "
            "zarr store that was opened otherwise can be passed in the place of a URL"
        ) from error
    return found


def _http(place: Place, url: str, config: dict[str, Any], client: dict[str, Any]) -> _Made:
    nested = config.pop("client_kwargs", {})
    headers = {**config.pop("headers", {}), **nested.get("headers", {})}
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    if at:
        token = base64.b64encode(unquote(user).encode()).decode()
        headers.setdefault("Authorization", f"Basic {token}")
    if config:
        raise ValueError(f"there are no {sorted(config)} for {place.scheme}, but 'headers'")
    client["default_headers"] = {**client.get("default_headers", {}), **headers}
    client.setdefault("allow_http", place.scheme == "http")
    return "HTTPStore", (place.url,), {}


def _s3(place: Place, url: str, config: dict[str, Any], client: dict[str, Any]) -> _Made:
    config = _renamed({**config.pop("client_kwargs", {}), **config}, _S3_NAMES)
    profile = config.pop("profile", None)
    if config.get("request_payer") is False:
        del config["request_payer"]
    if not config.keys() & _SECRETS:
        config |= credentials.aws(profile)
    endpoint = config.get("endpoint") or credentials.aws_endpoint()
    if "region" not in config:
        region = credentials.aws_region(profile)
        if region is None and not endpoint:
            region = credentials.bucket_region(place.root)
        config["region"] = region or "us-east-1"
    _allow_http(endpoint, client)
    return "S3Store", (place.root,), {"prefix": place.path or None, **config}


def _gs(place: Place, url: str, config: dict[str, Any], client: dict[str, Any]) -> _Made:
    token = config.pop("token", None)
    config.pop("project", None)
    if token == "anon" or config.pop("anon", False):
        config["skip_signature"] = True
    elif isinstance(token, str):
        config["service_account"] = token
    elif isinstance(token, dict):
        config["service_account_key"] = json.dumps(token)
    elif token is not None:
        raise ValueError("token is 'anon', a path, or the dict of a service account's key")
    if not config.keys() & _SECRETS:
        config |= credentials.google()
    _allow_http(config.get("base_url"), client)
    return "GCSStore", (place.root,), {"prefix": place.path or None, **config}


def _az(place: Place, url: str, config: dict[str, Any], client: dict[str, Any]) -> _Made:
    config = _renamed(config, _AZURE_NAMES)
    container, at, host = place.root.partition("@")
    if at:  # abfss://container@account.dfs.core.windows.net/path
        config.setdefault("account_name", host.partition(".")[0])
    if not config.keys() & _SECRETS:
        config |= credentials.azure()
    _allow_http(config.get("endpoint"), client)
    return "AzureStore", (container,), {"prefix": place.path or None, **config}


def _allow_http(endpoint: object, client: dict[str, Any]) -> None:
    if endpoint:
        client.setdefault("allow_http", str(endpoint).startswith("http://"))


def _renamed(config: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in config.items()}


_KINDS: dict[str, Callable[[Place, str, dict[str, Any], dict[str, Any]], _Made]] = {
    "s3": _s3,
    "gs": _gs,
    "az": _az,
    "http": _http,
    "https": _http,
}
