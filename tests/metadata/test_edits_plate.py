from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ExistsError, MissingNodeError, NameWarning, PathError, ShapeError
from iohub.metadata.check_plate import check_plate, check_well
from iohub.metadata.edits_plate import (
    add_acquisition,
    add_fields,
    add_wells,
    column_label,
    new_plate,
    remove_field,
    row_label,
    set_field_count,
    well_paths,
)
from iohub.metadata.edits_wells import remove_well, rename_wells
from iohub.metadata.plate import AcquisitionMeta


def plate(*paths, name="p"):
    return add_wells(new_plate(name), [(*path.split("/"), None, None) for path in paths])


def rename_well(doc, old, new):
    return rename_wells(doc, {old: new})


def names(doc):
    return doc.get_row_names(), doc.get_column_names()


def test_labels():
    assert [row_label(i) for i in (0, 25, 26, 31, 701, 702)] == ["A", "Z", "AA", "AF", "ZZ", "AAA"]
    assert column_label(11) == "12"


def test_names_are_appended_in_the_order_of_creation():
    doc = plate("B/2", "A/1", "B/1")
    assert names(doc) == (["B", "A"], ["2", "1"])
    assert [(w.path, w.row_index, w.column_index) for w in doc.wells] == [
        ("B/2", 0, 0),
        ("A/1", 1, 1),
        ("B/1", 0, 1),
    ]
    assert well_paths(doc) == ["B/2", "B/1", "A/1"]
    assert check_plate(doc).must == []


def test_indexes_that_agree():
    doc = add_wells(plate("A/1", "A/2"), [("B", "3", 1, 2), ("A", "3", 0, 2)])
    assert names(doc) == (["A", "B"], ["1", "2", "3"])


def test_a_gap_is_filled_with_the_usual_names():
    doc = add_wells(new_plate(), [("B", "3", 1, 2)])
    assert names(doc) == (["A", "B"], ["1", "2", "3"])
    assert doc.get_well_paths() == ["B/3"]
    assert check_plate(doc).must == []
    doc = add_wells(doc, [("A", "1", 0, 0), ("D", "1", 3, None)])
    assert names(doc)[0] == ["A", "B", "C", "D"]


def test_a_gap_is_filled_by_the_same_call():
    wells = [("x", "1", 1, 0), ("w", "1", 0, 0), ("y", "1", None, None)]
    assert names(add_wells(new_plate(), wells))[0] == ["w", "x", "y"]
    wells = [("x", "1", 1, 0), ("w", "1", None, 0)]
    assert names(add_wells(new_plate(), wells))[0] == ["w", "x"]


@pytest.mark.parametrize(
    "well",
    [
        ("A", "1", 1, None),  # has another place
        ("C", "9", 0, None),  # the place is taken
        ("x", "9", 5, None),  # no usual name
        ("E", "9", 5, None),  # the usual name of another place
        ("C", "9", -1, None),
        ("C", "9", True, None),
        ("C", "9", "2", None),
    ],
)
def test_indexes_that_do_not_agree(well):
    with pytest.raises(ShapeError):
        add_wells(plate("A/1"), [well])


def test_indexes_that_contradict_each_other():
    for pair in ([("B", "1", 1, 0), ("B", "2", 2, 1)], [("B", "1", 1, 0), ("C", "1", 1, 0)]):
        with pytest.raises(ShapeError):
            add_wells(plate("A/1"), pair)


def test_a_used_name_does_not_fill_a_gap():
    with pytest.raises(ShapeError, match="leave the index out"):
        add_wells(plate("B/1"), [("D", "1", 3, 0)])


def test_wells_that_are_there():
    doc = plate("A/1")
    with pytest.raises(ExistsError, match="A/1"):
        add_wells(doc, [("A", "1", None, None)])
    with pytest.raises(ExistsError):
        add_wells(doc, [("A", "2", None, None), ("A", "2", None, None)])
    assert add_wells(doc, [("A", "1", None, None)], exist_ok=True) == doc


def test_bad_names():
    for row, column in (("A-1", "1"), ("", "1"), ("A", "../x"), ("A", "\ufeff1")):
        with pytest.raises(PathError):
            add_wells(new_plate(), [(row, column, None, None)])


def test_names_that_differ_by_case():
    with pytest.warns(NameWarning):
        doc = add_wells(plate("A/1"), [("a", "1", None, None)])
    assert "name-case" in {problem.code for problem in check_plate(doc).should}


wells = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from("1234")), min_size=1, unique=True
)


@given(wells, st.data())
def test_edits_keep_plates_valid(pairs, data):
    doc = plate(*("/".join(pair) for pair in pairs))
    assert check_plate(doc).must == []
    old = data.draw(st.sampled_from(doc.get_well_paths()))
    removed = remove_well(doc, old)
    assert check_plate(removed).must == []
    assert set(removed.get_well_paths()) == set(doc.get_well_paths()) - {old}
    free = [f"{r}/{c}" for r in "ABCDE" for c in "12345" if f"{r}/{c}" not in doc.get_well_paths()]
    new = data.draw(st.sampled_from(free))
    renamed = rename_well(doc, old, new)
    assert check_plate(renamed).must == []
    replaced = [new if path == old else path for path in doc.get_well_paths()]
    assert renamed.get_well_paths() == replaced
    assert {path.split("/")[0] for path in replaced} == set(renamed.get_row_names())
    assert {path.split("/")[1] for path in replaced} == set(renamed.get_column_names())


def test_renaming_moves_one_well():
    doc = rename_well(plate("A/1", "A/2"), "A/1", "B/1")
    assert doc.get_well_paths() == ["B/1", "A/2"]
    assert names(doc) == (["A", "B"], ["1", "2"])
    assert names(rename_well(plate("A/1"), "A/1", "B/2")) == (["B"], ["2"])
    assert rename_well(doc, "A/2", "A/2") == doc


def test_renaming_refusals():
    doc = plate("A/1", "A/2")
    with pytest.raises(ExistsError):
        rename_well(doc, "A/1", "A/2")
    with pytest.raises(MissingNodeError, match="no 'A/3'"):
        rename_well(doc, "A/3", "B/1")
    for bad in ("B", "B/1/0", "B-1/1", "../A/1"):
        with pytest.raises(PathError):
            rename_well(doc, "A/1", bad)


def test_physical_rows_stay():
    doc = add_wells(new_plate(), [("B", "3", 1, 2)])
    assert names(rename_well(doc, "B/3", "A/1")) == (["A", "B"], ["1", "2", "3"])
    assert names(remove_well(doc, "B/3")) == (["A", "B"], ["1", "2", "3"])


def test_removing_the_last_well_leaves_an_empty_plate():
    assert remove_well(plate("A/1"), "A/1") == new_plate("p")


def test_acquisitions():
    doc = add_acquisition(plate("A/1"), AcquisitionMeta(id=0))
    assert [a.id for a in add_acquisition(doc, AcquisitionMeta(id=1)).acquisitions] == [0, 1]
    with pytest.raises(ExistsError):
        add_acquisition(doc, AcquisitionMeta(id=0))


def test_field_count():
    doc = set_field_count(plate("A/1"), 4)
    assert doc.to_json()["field_count"] == 4
    assert "field_count" not in set_field_count(doc, 0).to_json()
    for bad in (-1, True, 1.5):
        with pytest.raises(ShapeError):
            set_field_count(doc, bad)


def test_fields():
    doc = add_fields(None, [("0", 0), ("1", None)])
    assert doc.to_json() == {"images": [{"acquisition": 0, "path": "0"}, {"path": "1"}]}
    assert remove_field(doc, "0").get_image_paths() == ["1"]
    assert add_fields(doc, [("0", 3)], exist_ok=True) == doc
    with pytest.raises(ExistsError):
        add_fields(doc, [("0", 3)])
    with pytest.raises(ExistsError):
        add_fields(doc, [("2", 0), ("2", 1)])
    with pytest.raises(MissingNodeError):
        remove_field(doc, "9")
    for bad in ("a/b", "", "fov_1", ".."):
        with pytest.raises(PathError):
            add_fields(doc, [(bad, 0)])
    with pytest.raises(PathError, match="acquisition"):
        add_fields(doc, [("3", -1)])
    with pytest.warns(NameWarning):
        add_fields(add_fields(None, [("a", None)]), [("A", None)])


def test_acquisitions_of_fields_are_checked_against_the_plate():
    doc = add_acquisition(plate("A/1"), AcquisitionMeta(id=0))
    doc = add_acquisition(doc, AcquisitionMeta(id=1))
    well = add_fields(None, [("0", 0), ("1", 7), ("2", None)])
    codes = [(p.where, p.code) for p in check_well(well, doc).should]
    assert codes == [
        ("/images/1/acquisition", "acquisition-unknown"),
        ("/images/2/acquisition", "acquisition-unknown"),
    ]


@given(wells, st.data())
def test_wells_are_renamed_all_at_once(pairs, data):
    doc = plate(*("/".join(pair) for pair in pairs))
    old = data.draw(st.lists(st.sampled_from(doc.get_well_paths()), unique=True))
    free = sorted({f"{r}/{c}" for r in "ABE" for c in "125"} - set(doc.get_well_paths()))
    new = data.draw(st.permutations([*old, *free]))[: len(old)]
    table = dict(zip(old, new, strict=True))
    renamed = rename_wells(doc, table)
    assert check_plate(renamed).must == []
    assert renamed.get_well_paths() == [table.get(path, path) for path in doc.get_well_paths()]
    if set(old) == set(new):
        assert names(renamed) == names(doc)


def test_renaming_many_is_refused_as_a_whole():
    doc = plate("A/1", "A/2", "B/1")
    for table in (
        {"A/1": "B/1"},
        {"A/1": "C/1", "A/2": "C/1"},
        {"A/1": "A/2", "B/1": "A/1"},
        {"A/1": "B/1", "B/1": "B/1"},
    ):
        with pytest.raises(ExistsError):
            rename_wells(doc, table)
    with pytest.raises(MissingNodeError, match="no 'D/1'"):
        rename_wells(doc, {"A/1": "C/1", "D/1": "C/2"})
