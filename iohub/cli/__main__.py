"""``python -m iohub.cli`` is ``iohub``."""

from __future__ import annotations

from iohub.cli.program import main

main(prog_name="iohub")
