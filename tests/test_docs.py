"""Every Python block of the README and of the pages in docs/ runs.

The blocks of one file run in order, in one namespace and an empty working directory. ``python``
blocks are executed, ``pycon`` blocks are run as doctests; other blocks are for people.
"""

from __future__ import annotations

import doctest
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md")])


class Block(NamedTuple):
    """A fenced block: its language, the line where its text begins, its text."""

    language: str
    line: int
    text: str


def blocks_of(page: str) -> list[Block]:
    """Fenced blocks of a Markdown page, in order; an open one is an error."""
    found: list[Block] = []
    fence, language, start, body = "", "", 0, list[str]()
    for number, line in enumerate(page.splitlines(), 1):
        text = line.strip()
        if not fence:
            mark = text[: len(text) - len(text.lstrip(text[:1]))] if text[:1] in {"`", "~"} else ""
            info = text[len(mark) :].strip()
            # Three backticks with another behind them are code within a line.
            if len(mark) >= 3 and "`" not in info:
                fence, start, body = mark, number + 1, []
                language = info.split()[0].lower() if info else ""
        elif text.startswith(fence) and not text.strip(fence[0]):
            found.append(Block(language, start, textwrap.dedent("\n".join(body)) + "\n"))
            fence = ""
        else:
            body.append(line)
    if fence:
        raise ValueError(f"the block that begins in line {start - 1} has no end")
    return found


def run(blocks: list[Block], filename: str) -> int:
    """Run the Python blocks in one namespace; how many there were."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    python = [block for block in blocks if block.language in {"python", "py", "pycon"}]
    for block in python:
        if block.language == "pycon":
            parser, runner = (
                doctest.DocTestParser(),
                doctest.DebugRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
            )
            test = parser.get_doctest(block.text, namespace, filename, filename, block.line - 1)
            runner.run(test, clear_globs=False)
            namespace.update(test.globs)
        else:
            # Empty lines in front, so that a traceback names the line of the page.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, filename, "exec"), namespace)
    return len(python)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    count = run(blocks_of(page.read_text(encoding="utf-8")), str(page))
    if page.name == "README.md" and page.parent == ROOT:
        assert count > 0, "the README shows nothing that runs"


def test_blocks_are_found() -> None:
    page = textwrap.dedent(
        """\
        Text with ```code``` in it.

        ```python title="first"
        a = 1
        ```

        - a list

            ~~~~py
            b = a + 1
            ~~~
            ~~~~

        ```console
        $ rm -rf /
        ```
        """
    )
    first, second, third = blocks_of(page)
    assert first == ("python", 4, "a = 1\n")
    assert second == ("py", 10, "b = a + 1\n~~~\n")
    assert third.language == "console"


def test_an_open_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 2 has no end"):
        blocks_of("text\n```python\na = 1\n")


def test_blocks_share_a_namespace() -> None:
    first, second = "```python\na = 1\n```\n", "```pycon\n>>> a + 1\n2\n>>> b = 5\n```\n"
    third = "```py\nassert b == 5\n```\n"
    assert run(blocks_of(first + second + third), "page.md") == 3


def test_a_wrong_doctest_fails() -> None:
    with pytest.raises(doctest.DocTestFailure):
        run(blocks_of("```pycon\n>>> 1 + 1\n3\n```"), "page.md")


def test_a_traceback_names_the_line_of_the_page() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(blocks_of("text\n\n```python\na = 0\n1 / a\n```"), "page.md")
    last = caught.traceback[-1]
    assert (str(last.path).endswith("page.md"), last.lineno + 1) == (True, 5)
