"""Many objects are made without looking for garbage among them; afterwards all is as it was."""

import gc

import pytest

from iohub.tiles.many_objects import uncollected


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_as_it_was(on: bool) -> None:
    try:
        (gc.enable if on else gc.disable)()
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() is on
        with pytest.raises(ZeroDivisionError), uncollected():
            raise ZeroDivisionError
        assert gc.isenabled() is on
    finally:
        gc.enable()
