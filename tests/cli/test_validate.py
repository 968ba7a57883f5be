"""``iohub validate``: the report as text and as JSON, and what the exit code says."""

from __future__ import annotations

import json
import shutil


def test_a_valid_plate(run, plate, version):
    said = run("validate", plate).stdout.splitlines()
    assert said[-1].startswith(f"{plate.resolve()}: valid OME-Zarr {version}; ")
    assert all("error: " not in line for line in said)


def test_an_error_is_exit_code_1(run, plate):
    shutil.rmtree(plate / "A/2/0/0")
    said = run("validate", plate, code=1).stdout
    assert "error: A/2/0/" in said
    assert "there is no array '0' [level-missing]" in said
    assert "MUST. Restore the array" in said
    assert "not valid OME-Zarr" in said


def test_strict(run, plate):
    file = next(f for name in ("zarr.json", ".zattrs") if (f := plate / "A/1/0" / name).exists())
    file.write_text(file.read_text().replace("micrometer", "micron"))
    assert "warning: A/1/0/" in run("validate", plate).stdout
    assert "(strict)" in run("validate", "--strict", plate, code=1).stdout


def test_deep(run, fov):
    file = next(f for f in (fov / "0").rglob("*") if f.is_file() and f.name.isdecimal())
    run("validate", "--deep", fov)
    file.write_bytes(b"")
    run("validate", fov)
    assert "[chunk-corrupt]" in run("validate", "--deep", fov, code=1).stdout


def test_json_is_a_line_per_path(run, plate, fov, version):
    shutil.rmtree(fov / "0")
    lines = run("validate", "--json", plate, fov, code=1).stdout.splitlines()
    reports = [json.loads(line) for line in lines]
    assert [each["valid"] for each in reports] == [True, False]
    assert {each["version"] for each in reports} == {version}
    [error] = [each for each in reports[1]["findings"] if each["severity"] == "error"]
    assert error["code"] == "level-missing"
    assert error["rule"]["standard"] == f"OME-Zarr {version}"
    assert set(error) == {
        "code",
        "severity",
        "path",
        "document",
        "pointer",
        "message",
        "advice",
        "rule",
    }


def test_globs(run, plate):
    said = run("validate", "plate.zarr/A/*/*").stdout
    assert said.count(": valid OME-Zarr") == 3


def test_files_of_other_formats_are_not_judged(run, plate):
    run("convert", plate, "out.ome.tif")
    said = run("validate", "out.ome.tif", code=1).stderr
    assert "OME-TIFF" in said
    assert "iohub convert" in said
