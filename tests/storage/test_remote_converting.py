"""Conversions to and from a server that speaks S3: interrupted, added to, never mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from iohub import open_ome_zarr
from iohub.cli.program import main
from iohub.convert import work
from iohub.convert.record import NAME
from iohub.errors import ExistsError, IohubError, PathError
from tests.convert.sources import CHANNELS, make_plate, stack


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    real, count = work._convert_part, [0]

    def part(*arguments: Any) -> None:
        count[0] += 1
        if count[0] > after:
            raise IohubError("interrupted")
        real(*arguments)

    monkeypatch.setattr(work, "_convert_part", part)


def test_interrupted_resumed_added_to_and_read_back(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = make_plate(tmp_path / "plate.zarr"), f"{bucket.url}/data/out.zarr"
    with open_ome_zarr(path) as source:
        with monkeypatch.context() as patch:
            interrupt(patch, 2)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(url, version="0.5", positions="A")
        with pytest.raises(IohubError):
            open_ome_zarr(url)
        assert source.export(url, version="0.5", positions="A").complete
        report = source.export(url, version="0.5")
        assert (report.positions, report.resumed) == (3, 2)
        own = [key for key in bucket.listed() if "/.__iohub" in key]
        assert own == [f"data/out.zarr/{NAME}"]
        with pytest.raises(ExistsError, match="other pixels"):
            source.export(url, version="0.5", levels=1)
        source["B/3/0"].export(f"{bucket.url}/fov.zarr", version="0.5")
        assert source["B/3/0"].export(f"{bucket.url}/fov.zarr", version="0.5").resumed == 1
        with pytest.raises(ExistsError, match="something"):
            source["A/1/1"].export(f"{bucket.url}/fov.zarr", version="0.5")
        assert (
            source["A/1/1"].export(f"{bucket.url}/fov.zarr", version="0.5", overwrite=True).complete
        )
    with open_ome_zarr(url) as made:
        for seed, (_, position) in enumerate(made.positions()):
            np.testing.assert_array_equal(position["0"][:], stack(seed))
        made.export(tmp_path / "back.zarr", version="0.4")
    with open_ome_zarr(tmp_path / "back.zarr") as back, open_ome_zarr(path) as source:
        assert back.zattrs["note"] == source.zattrs["note"]
        assert [key for key, _ in back.positions()] == [key for key, _ in source.positions()]


def test_files_in_a_bucket_are_opened_told_of_and_converted_there(
    bucket: Any, tmp_path: Path
) -> None:
    with open_ome_zarr(make_plate(tmp_path / "plate.zarr")) as source:
        for name in ("plate.ome.tif", "plate.ozx"):
            source.export(tmp_path / name)
            bucket.put(f"files/{name}", (tmp_path / name).read_bytes())
    for number, name in enumerate(("plate.ome.tif", "plate.ozx")):
        url, target = f"{bucket.url}/files/{name}", f"{bucket.url}/made-{number}.zarr"
        told = CliRunner().invoke(main, ["info", url])
        assert told.exit_code == 0
        assert all(name in told.output for name in CHANNELS)
        assert json.dumps(url) in told.output
        with open_ome_zarr(url) as source:
            np.testing.assert_array_equal(source["A/1/1/0"][1, 0, 2:4], stack(1)[1, 0, 2:4])
            assert source.export(target, version="0.5", positions="B").complete
        with open_ome_zarr(target) as made:
            np.testing.assert_array_equal(made["B/3/0/0"][:], stack(2))
            with pytest.raises(PathError, match="choose another path"):
                made.export(target.replace("s3:", "s3a:"), overwrite=True)
            np.testing.assert_array_equal(made["B/3/0/0"][:], stack(2))
