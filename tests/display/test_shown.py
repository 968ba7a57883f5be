from __future__ import annotations

from io import StringIO

from rich.console import Console

from iohub.display import Displayed, PageSummary, Summary


class Scene(Displayed):
    """Counts how often more than one line was asked of it."""

    pages = 0

    def _summary(self, *, brief: bool = False) -> Summary:
        self.pages += not brief
        return PageSummary(kind="Scene", title="s", says=("3 images",))


def test_a_repr_asks_for_no_more_than_a_line() -> None:
    scene = Scene()
    assert repr(scene) == str(scene) == "<Scene 's' 3 images>"
    assert scene.pages == 0


def test_rich_and_html() -> None:
    scene = Scene()
    out = StringIO()
    Console(file=out).print(scene)
    assert out.getvalue().startswith("Scene s")
    assert "<b>s</b>" in scene._repr_html_()
    assert scene.pages == 2
