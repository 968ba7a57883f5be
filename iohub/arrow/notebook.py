"""How notebooks show an ``OMEArrow``: a plane and what the record says of itself."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from iohub.arrow.picture import Limits, color_of, range_of, read_plane, real, to_png
from iohub.errors import IohubError
from iohub.formats.ome_arrow.records import Description, describe

if TYPE_CHECKING:
    import pyarrow as pa

_CELL = "padding:0 1em 0 0;text-align:left;vertical-align:top"


def to_html(
    record: pa.StructScalar | None,
    tcz: tuple[int, int, int],
    title: str,
    limits: Limits | None = None,
) -> str:
    """Return a record as HTML.

    Parameters
    ----------
    record : pyarrow.StructScalar or None
        The record; None if it was not read, which is not done to show it.
    tcz : tuple of int
        Which plane is shown.
    title : str
        One line for people.
    limits : tuple of float, optional
        What is black and what is bright; by default the least and the largest pixel.
    """
    head = f"<div><b>{escape(title.strip('<>'))}</b></div>"
    if record is None:
        return head
    said = describe(record)
    try:
        plane = real(read_plane(record, tcz))
    except IohubError as error:
        return f"{head}<div>{escape(str(error))}</div>"
    png = to_png(plane, color_of(record, tcz[1]), limits or range_of(plane))
    text = base64.b64encode(png).decode("ascii")
    t, c, z = tcz
    image = (
        f'<img src="data:image/png;base64,{text}" alt="plane t={t} c={c} z={z}" '
        'style="max-width:256px;image-rendering:pixelated">'
    )
    rows = "".join(
        f'<tr><th style="{_CELL}">{escape(name)}</th><td style="{_CELL}">{value}</td></tr>'
        for name, value in _facts(said, record, tcz)
    )
    table = f'<table style="border:0">{rows}</table>'
    return f'{head}<div style="display:flex;gap:1em;flex-wrap:wrap">{image}{table}</div>'


def _facts(
    said: Description, record: pa.StructScalar, tcz: tuple[int, int, int]
) -> list[tuple[str, str]]:
    t, c, z = tcz
    sizes = ", ".join(
        f"{axis} {size:g} {unit}"
        for axis, size, unit in zip("xyz", said.size, said.units, strict=True)
    )
    names = []
    for index, each in enumerate(said.channels):
        color = color_of(record, index) or (128, 128, 128)
        dot = f'<span style="color:rgb{color}">●</span>'
        names.append(f"{dot} {escape(str(each.get('name') or index))}")
    facts = [
        ("id", escape(said.image_id or "")),
        ("name", escape(said.name or "")),
        ("kind", escape(said.image_type or "")),
        ("pixels", f"{escape(said.dtype)} {escape(str(said.shape))} (T, C, Z, Y, X)"),
        ("pixel size", escape(sizes)),
        ("channels", "<br>".join(names)),
        ("plane", f"t={t}, c={c}, z={z}"),
    ]
    return [(name, value) for name, value in facts if value]
