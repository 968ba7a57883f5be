from __future__ import annotations

import re

from iohub.display.html_style import STYLE


def test_style_touches_nothing_but_its_own() -> None:
    selectors = re.findall(r"([^{}]+)\{", STYLE)
    assert selectors
    for selector in ",".join(selectors).split(","):
        assert selector.strip().startswith(".iohub.iohub")


def test_style_is_balanced() -> None:
    assert STYLE.count("{") == STYLE.count("}")
    assert STYLE.count("(") == STYLE.count(")")
