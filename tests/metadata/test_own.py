from __future__ import annotations

import pytest

from iohub.errors import DocumentError
from iohub.metadata import own
from iohub.metadata.axes import axes_for
from iohub.metadata.omero import default_channel
from iohub.metadata.transforms import scale_translation


def test_defaults_round_trip_beside_other_members():
    attrs = {"ome": {"version": "0.5"}, "iohub": {"other": 1}}
    noted = own.write_defaults(attrs, ["a", "b"], axes_for(3))
    assert own.read_defaults(noted) == own.Defaults(("a", "b"), axes_for(3))
    assert noted["iohub"]["other"] == 1
    assert own.write_defaults(noted) == attrs
    assert attrs == {"ome": {"version": "0.5"}, "iohub": {"other": 1}}


def test_how_channels_were_shown_follows_their_names():
    shown = [default_channel("a"), default_channel("b", 1)]
    noted = own.write_defaults({}, ["a", "b"], axes_for(3), shown)
    assert own.read_defaults(noted) == own.Defaults(("a", "b"), axes_for(3), tuple(shown))
    renamed = own.read_defaults(own.rename_defaults(noted, ["x", "b", "c"], "a", "x"))
    assert renamed.channel_names == ("x", "b", "c")
    assert renamed.axes == axes_for(3)
    assert renamed.channels == (shown[0].replace(label="x"), shown[1])
    assert own.write_defaults(noted) == {}
    with pytest.raises(DocumentError, match="/iohub/channels"):
        own.read_defaults({"iohub": {"channels": {}}})


def test_nothing_noted():
    assert own.read_defaults({}) == own.Defaults(None, None)
    assert own.read_defaults({"iohub": None}) == own.Defaults()
    assert own.read_defaults(own.write_defaults({}, [])).channel_names == ()
    assert own.write_defaults({"a": 1}) == {"a": 1}
    assert own.write_defaults(own.write_defaults({}, ["a"])) == {}
    assert own.previous_transforms({}) == []


def test_transforms_are_recorded_in_order():
    attrs = own.record_transforms({"multiscales": []}, "0", scale_translation([1, 2]))
    attrs = own.record_transforms(attrs, "*", (), "2024-01-01")
    assert own.previous_transforms(attrs) == [
        {"image": "0", "transforms": [{"type": "scale", "scale": [1.0, 2.0]}]},
        {"image": "*", "transforms": [], "date": "2024-01-01"},
    ]
    assert attrs["multiscales"] == []


@pytest.mark.parametrize(
    "bad",
    ["text", [], {"channel_names": "a"}, {"channel_names": [1]}, {"axes": [{"type": "space"}]}],
)
def test_foreign_notes_are_refused(bad):
    with pytest.raises(DocumentError, match="/iohub"):
        own.read_defaults({"iohub": bad})


def test_foreign_notes_are_not_overwritten():
    for bad in ({"iohub": "text"}, {"iohub": {"previous_transforms": {}}}):
        with pytest.raises(DocumentError):
            own.record_transforms(bad, "0", ())
