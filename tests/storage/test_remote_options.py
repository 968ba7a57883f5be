"""URLs, options and credentials: what is made of them, without any server."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from iohub.errors import ArgumentError, MissingDependencyError, PathError
from iohub.storage import credentials, remote_options
from iohub.storage.remote import remote_bytes
from iohub.storage.remote_options import object_store, place_of


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither environment nor files of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "SERVICE_ACCOUNT")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    credentials.bucket_region.cache_clear()

    def unreachable(*_: object, **__: object) -> object:
        raise OSError("no network in tests")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)


def made(url: str, **options: Any) -> dict[str, Any]:
    """What obstore's store was made with."""
    store = object_store(place_of(url), url, options)
    assert store is not None
    prefix = getattr(store, "prefix", None)
    return {"kind": type(store).__name__, "prefix": prefix, **getattr(store, "config", {})}


def profile(home: Path, name: str, text: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / name).write_text(text)


@pytest.mark.parametrize(
    ("url", "kind", "where"),
    [
        ("s3://b/x/p.zarr/", "S3Store", {"bucket": "b", "prefix": "x/p.zarr"}),
        ("s3a://b/x", "S3Store", {"bucket": "b", "prefix": "x"}),
        ("gs://b/x y", "GCSStore", {"bucket": "b", "prefix": "x y"}),
        ("gcs://b", "GCSStore", {"bucket": "b", "prefix": None}),
        ("abfss://c@acc.dfs.core.windows.net/x", "AzureStore", {"account_name": "acc"}),
        ("https://host:8/x", "HTTPStore", {}),
    ],
)
def test_schemes(url: str, kind: str, where: dict[str, Any]) -> None:
    found = made(url)
    assert found["kind"] == kind
    assert found.items() >= where.items()


def test_what_lies_above() -> None:
    place = place_of("s3://b/x/y.zarr")
    above = place.above()
    assert above is not None
    assert (above.url, above.path) == ("s3://b/x", "x")
    bucket = above.above()
    assert bucket is not None
    assert (bucket.url, bucket.path, bucket.above()) == ("s3://b", "", None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"anon": True}, {"skip_signature": True}),
        ({"anon": False}, {"skip_signature": False}),
        ({"key": "k", "secret": "s", "token": "t"}, {"access_key_id": "k", "session_token": "t"}),
        ({"client_kwargs": {"region_name": "eu-west-1"}}, {"region": "eu-west-1"}),
        ({"endpoint_url": "http://h:9"}, {"endpoint": "http://h:9", "region": "us-east-1"}),
        ({}, {"skip_signature": True, "region": "us-east-1"}),
    ],
)
def test_s3_options(options: dict[str, Any], expected: dict[str, Any]) -> None:
    found = made("s3://b/x", **options)
    assert {name: str(found[name]).lower() for name in expected} == {
        name: str(value).lower() for name, value in expected.items()
    }


def test_the_environment_is_left_to_obstore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    found = made("s3://b/x")
    assert "skip_signature" not in found
    assert found["region"] == "eu-central-1"


def test_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(
        tmp_path,
        "credentials",
        "[default]\naws_access_key_id = d\naws_secret_access_key = s\n"
        "[lab]\naws_access_key_id = l\naws_secret_access_key = s\n",
    )
    profile(tmp_path, "config", "[default]\nregion = eu-north-1\n[profile lab]\nregion = sa-east-1")
    assert made("s3://b/x").items() >= {"access_key_id": "d", "region": "eu-north-1"}.items()
    found = made("s3://b/x", profile="lab")
    assert found.items() >= {"access_key_id": "l", "region": "sa-east-1"}.items()
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert made("s3://b/x")["access_key_id"] == "l"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "e")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert "access_key_id" not in made("s3://b/x")  # obstore takes it from there itself
    assert made("s3://b/x", profile="lab")["access_key_id"] == "l"
    with pytest.raises(ArgumentError, match="no profile 'none'"):
        made("s3://b/x", profile="none")
    profile(tmp_path, "config", "[default\n")
    with pytest.raises(ArgumentError, match="cannot be understood"):
        made("s3://b/x")


def test_a_profile_that_takes_more_than_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(
        tmp_path, "config", "[profile role]\nrole_arn = arn:x\n[default]\nregion = eu-north-1\n"
    )
    assert made("s3://b/x")["skip_signature"]

    def missing(name: str, **why: Any) -> Any:
        raise MissingDependencyError(f"{name} is needed")

    monkeypatch.setattr(credentials, "need", missing)
    with pytest.raises(MissingDependencyError, match="boto3"):
        made("s3://b/x", profile="role")


def test_where_a_public_bucket_is_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: urllib.request.Request, timeout: float) -> Any:
        asked.append(request.full_url)
        headers = Message()
        headers["x-amz-bucket-region"] = "ap-south-1"
        raise urllib.error.HTTPError(request.full_url, 403, "Forbidden", headers, io.BytesIO())

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    assert made("s3://far-away/x")["region"] == "ap-south-1"
    assert made("s3://far-away/y")["region"] == "ap-south-1"
    assert asked == ["https://s3.amazonaws.com/far-away"]


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({}, "skip_signature", "true"),
        ({"token": "anon"}, "skip_signature", "true"),
        ({"anon": True, "project": "p"}, "skip_signature", "true"),
    ],
)
def test_google_options(options: dict[str, Any], name: str, value: str) -> None:
    assert str(made("gs://b/x", **options)[name]).lower() == value


def test_azure_options(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made("az://c/x", account_name="a", sas_token="sv=1&sig=2")
    assert found["sas_key"] == "sv=1&sig=2"
    assert made("az://c/x", account_name="a")["skip_signature"]
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert "skip_signature" not in made("az://c/x", account_name="a")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://b/x", {"spelt": 1}),
        ("gs://b/x", {"token": 3}),
        ("az://c/x", {}),
        ("http://h/x", {"key": 1}),
        ("s3://b/x", {"retry_config": 3}),
        ("gs://b/x", {"token": json.loads('{"a": 1}')}),
    ],
)
def test_wrong_options(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="storage_options for"):
        made(url, **options)


def test_without_what_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *, extra: str = "", why: str = "") -> Any:
        raise MissingDependencyError(f"{name} for {why}: iohub[{extra}]")

    monkeypatch.setattr(remote_options, "have", lambda name: False)
    monkeypatch.setattr(remote_options, "need", missing)
    with pytest.raises(MissingDependencyError, match=r"s3:// URLs: iohub\[remote\]"):
        remote_bytes("s3://b/x", writable=False)


def test_a_kind_that_fsspec_cannot_read_yet() -> None:
    with pytest.raises((MissingDependencyError, PathError)):
        remote_bytes("oss://b/x", writable=False)
