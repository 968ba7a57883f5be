"""Whatever stands in a document: validating gives a report, repairing a plan or our error."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iohub import open_ome_zarr
from iohub.errors import IohubError
from iohub.models import repair, validate
from iohub.storage.location import locate

CASES = sorted(
    path
    for path in (Path(__file__).parents[1] / "data" / "conformance").glob("0.*/valid/*/*/*.json")
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "0", "A/1", "../..", "name", "path", "0.5", "0.6", "x" * 300, "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["path", "name", "type", "scale", "axes"]), inner)
    ),
    max_leaves=6,
)


def places(value, here=()):
    """Every place in a JSON value."""
    yield here
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(member, (*here, key))


@st.composite
def muddled(draw):
    """Attributes of an official case, with a few members changed."""
    path = draw(st.sampled_from(CASES))
    document = json.loads(path.read_text())
    document = document.get("attributes", document)
    document.pop("_conformance", None)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(sorted(places(document), key=str)))
        if not where:
            continue
        holder = document
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = copy.deepcopy(draw(JSON))
    return path.relative_to(path.parents[4]).parts[0], document


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=muddled())
def test_one_group(case):
    version, attrs = case
    store = locate("memory://anything", writable=True).store
    store.delete_dir("")
    if version == "0.4":
        store.set(".zgroup", b'{"zarr_format": 2}')
        store.set(".zattrs", json.dumps(attrs).encode())
    else:
        document = {"zarr_format": 3, "node_type": "group", "attributes": attrs}
        store.set("zarr.json", json.dumps(document).encode())
    for strict in (False, True):
        report = validate("memory://anything", strict=strict, deep=True)
        json.dumps(report.to_json())
        assert str(report)
    with contextlib.suppress(IohubError):
        assert str(repair("memory://anything", dry_run=True))


def whole_stores():
    """Plates of each version, as documents by key."""
    for version in ("0.4", "0.5", "0.6"):
        name = f"memory://whole-{version}"
        store = locate(name, writable=True).store
        with open_ome_zarr(name, "hcs", "w", ["a"], version=version) as plate:
            for place in (("A", "1", "0"), ("B", "2", "0")):
                position = plate.create_position(*place)
                position["0"] = np.ones((1, 1, 1, 4, 4), "u1")
        keys = list(keys_below(store, ""))
        yield {key: store.get(key) for key in keys}


def keys_below(store, prefix):
    folders, files = store.list_dir(prefix)
    for name in files:
        yield f"{prefix}/{name}".lstrip("/")
    for name in folders:
        yield from keys_below(store, f"{prefix}/{name}".lstrip("/"))


STORES = list(whole_stores())


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whole_stores(data):
    """Documents of groups and arrays are changed anywhere; a repaired plate needs no repair."""
    contents = dict(data.draw(st.sampled_from(STORES)))
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(contents)))
        try:
            document = json.loads(contents[key])
        except ValueError:
            contents[key] = b"?"
            continue
        where = data.draw(st.sampled_from(sorted(places(document), key=str)))
        if not where:
            del contents[key]
            continue
        holder = document
        for part in where[:-1]:
            holder = holder[part]
        holder[where[-1]] = data.draw(JSON)
        contents[key] = json.dumps(document).encode()
    store = locate("memory://muddled", writable=True).store
    store.delete_dir("")
    for key, value in contents.items():
        store.set(key, value)
    report = validate("memory://muddled", deep=True)
    assert str(report)
    with contextlib.suppress(IohubError):
        repair("memory://muddled")
        again = repair("memory://muddled", dry_run=True)
        assert again.changes == ()
