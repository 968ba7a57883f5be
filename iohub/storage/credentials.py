"""Where credentials for cloud stores are found when none are passed: environment and users' files.

Nothing is asked of the network but the region of a public bucket.
"""

from __future__ import annotations

import configparser
import os
import urllib.error
import urllib.request
from functools import lru_cache
from typing import Any

from iohub.errors import ArgumentError
from iohub.optional import need

_AWS_ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
# What a profile has instead of a key.
_AWS_WAYS = {"credential_process", "role_arn", "sso_session", "sso_start_url"}
_GOOGLE_ENVIRONMENT = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "SERVICE_ACCOUNT",
)
_AZURE_ENVIRONMENT = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_CLIENT_ID",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_STORAGE_USE_EMULATOR",
    "AZURE_USE_AZURE_CLI",
)


def aws(profile: str | None) -> dict[str, Any]:
    """Return obstore's options for what is found; unsigned requests if there is nothing.

    Parameters
    ----------
    profile : str, optional
        Of the user's files; that of the environment, else "default".

    Raises
    ------
    ArgumentError
        If a profile is asked for that there is not.
    MissingDependencyError
        If it takes more than a key, and boto3 is not installed.
    """
    if profile is None and any(name in os.environ for name in _AWS_ENVIRONMENT):
        return {}  # obstore reads these itself
    asked = profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    found = _aws_profile(asked or "default")
    if found is None:
        if asked:
            raise ArgumentError(
                f"there is no profile {asked!r} in {_aws_file('credentials')} or "
                f"{_aws_file('config')}"
            )
        return {"skip_signature": True}
    if "aws_access_key_id" in found:
        wanted = ("access_key_id", "secret_access_key", "session_token")
        return {name: found[f"aws_{name}"] for name in wanted if f"aws_{name}" in found}
    if asked is None and not found.keys() & _AWS_WAYS:
        return {"skip_signature": True}  # such as a profile that only names a region
    boto3 = need("boto3", why=f"the AWS profile {asked or 'default'!r}")
    provider = need("obstore.auth.boto3").Boto3CredentialProvider
    return {"credential_provider": provider(boto3.Session(profile_name=asked))}


def aws_region(profile: str | None) -> str | None:
    """Return the region that environment or profile name; None if neither does."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if os.environ.get(name):
            return os.environ[name]
    found = _aws_profile(profile or os.environ.get("AWS_PROFILE") or "default") or {}
    return found.get("region")


def aws_endpoint() -> str | None:
    """Return the server that the environment names, None for Amazon's own."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


@lru_cache(maxsize=64)
def bucket_region(bucket: str) -> str | None:
    """Ask Amazon where a bucket is; None if it does not say."""
    request = urllib.request.Request(f"https://s3.amazonaws.com/{bucket}", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            region = answer.headers.get("x-amz-bucket-region")
    except urllib.error.HTTPError as error:  # the answer of one that is not public says it too
        region = error.headers.get("x-amz-bucket-region")
    except OSError:
        return None
    return None if region is None else str(region)


def google() -> dict[str, Any]:
    """Return obstore's options for what is found; unsigned requests if there is nothing."""
    well_known = os.path.expanduser("~/.config/gcloud/application_default_credentials.json")
    if any(name in os.environ for name in _GOOGLE_ENVIRONMENT) or os.path.exists(well_known):
        return {}
    return {"skip_signature": True}


def azure() -> dict[str, Any]:
    """Return obstore's options for what is found; unsigned requests if there is nothing."""
    if any(name in os.environ for name in _AZURE_ENVIRONMENT):
        return {}
    return {"skip_signature": True}


def _aws_file(name: str) -> str:
    variable = "AWS_CONFIG_FILE" if name == "config" else "AWS_SHARED_CREDENTIALS_FILE"
    return os.environ.get(variable, os.path.expanduser(f"~/.aws/{name}"))


def _aws_profile(name: str) -> dict[str, str] | None:
    """Return what the user's two files say of a profile; None if neither has it."""
    sections = {"credentials": name, "config": name if name == "default" else f"profile {name}"}
    found: dict[str, str] | None = None
    for file, section in sections.items():
        parser = configparser.RawConfigParser()
        try:
            parser.read(_aws_file(file), encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ArgumentError(f"{_aws_file(file)} cannot be understood: {error}") from error
        if parser.has_section(section):
            found = {**dict(parser.items(section)), **(found or {})}
    return found
