"""The tests that every format adapter passes, iohub's own and those of other packages.

Subclass :class:`AdapterSuite` in a test module, say which adapter it is and how examples of its
files are written; pytest collects the tests with the subclass.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from unittest import mock

import numpy as np
import pytest

from iohub._open import open_ome_zarr
from iohub.errors import (
    ClosedError,
    IohubError,
    IohubWarning,
    MissingDependencyError,
    ReadOnlyError,
)
from iohub.formats import registry
from iohub.formats.registry import Adapter
from iohub.storage.location import locate
from iohub.testing.checks import (
    at,
    check_metadata,
    check_selections,
    contents,
    damageable,
    open_files,
    positions,
    read_all,
    same,
)
from iohub.testing.examples import Example, counted_chunks

_FORKED = """
import os, pickle, signal, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
from iohub import open_ome_zarr
node = open_ome_zarr(sys.argv[1])
image = (node[sys.argv[2]] if sys.argv[2] else node)["0"]
want = image[...]
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        same = all((image[...] == want).all() for _ in range(3))
        os._exit(0 if same else 1)
    children.append(child)
for _ in range(3):
    assert (image[...] == want).all()
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

_SNIFFED = """
import sys
from iohub.formats import registry
from iohub.storage.location import locate
found = registry.adapter_for(locate(sys.argv[1], writable=False))
print(found.name, *(name for name in sys.argv[2:] if name in sys.modules))
"""


class AdapterSuite:
    """What a format adapter must do; see the page ``docs/formats.md``.

    Attributes
    ----------
    adapter : Adapter
        The module or object; iohub knows it already, by its entry point.
    examples : mapping of str to callable
        By a short name: writes a file into a folder, and says what is in it.

    Examples
    --------
    >>> class TestMine(AdapterSuite):
    ...     adapter = mine
    ...     examples = {"one": write_one, "plate": write_plate}
    """

    adapter: ClassVar[Adapter]
    examples: ClassVar[Mapping[str, Callable[[Path], Example]]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run every test with every example; those that start processes with the first one."""
        if "example" in metafunc.fixturenames:
            names = list(self.examples)
            started = metafunc.function.__name__.endswith("_in_processes")
            metafunc.parametrize("example", names[:1] if started else names, indirect=True)

    @pytest.fixture
    def example(self, request: pytest.FixtureRequest, tmp_path: Path) -> Example:
        """Write an example."""
        folder = tmp_path / "example"
        folder.mkdir()
        return self.examples[request.param](folder)

    # ---- recognising --------------------------------------------------------------------------

    def test_is_recognised(self, example: Example) -> None:
        """The adapter is the one that is chosen."""
        assert self._chosen(example.path).name == self.adapter.name

    def test_is_recognised_in_processes(self, example: Example) -> None:
        """The adapter needs no more than the standard library to see what a file is."""
        command = [sys.executable, "-c", _SNIFFED, str(example.path), *self.adapter.packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [self.adapter.name], "loaded to sniff"

    def test_other_things_are_not(self, tmp_path: Path) -> None:
        """Whatever else there is, is not taken for this format, and nothing is raised."""
        for suffix in {"", ".txt", *self.adapter.suffixes}:
            for name, content in (("empty", b""), ("text", b"abc"), ("zeros", bytes(5000))):
                path = tmp_path / f"{name}{suffix}"
                path.write_bytes(content)
                assert not self.adapter.sniff(locate(path, writable=False)), path
        for path in (tmp_path / "folder", tmp_path / f"folder{''.join(self.adapter.suffixes[:1])}"):
            path.mkdir(exist_ok=True)
            assert not self.adapter.sniff(locate(path, writable=False))
        assert not self.adapter.sniff(locate(tmp_path / "absent", writable=False))

    def test_says_what_it_needs(self, example: Example) -> None:
        """Without the packages it is still recognised, and the error says how to install them."""
        for package in self.adapter.packages:
            with mock.patch.dict(sys.modules, {package: None}):
                assert self._chosen(example.path) is self.adapter
                with pytest.raises(MissingDependencyError, match=f"{package}.*pip install"):
                    open_ome_zarr(example.path)

    # ---- what is in it ------------------------------------------------------------------------

    def test_metadata(self, example: Example) -> None:
        """Kind, shapes, types, axes, channels, scales, stage positions and frames."""
        with open_ome_zarr(example.path) as node:
            assert type(node).__name__ == example.kind
            assert list(positions(node)) == list(example.images)
            for path, image in example.images.items():
                check_metadata(at(node, path), image)

    def test_opening_reads_no_pixel(self, example: Example) -> None:
        """Whatever is told of an image is told without its pixels."""
        with counted_chunks() as asked, open_ome_zarr(example.path) as node:
            repr(node), node._repr_html_(), node._tree(None).render()
            if hasattr(node, "to_dataframe"):
                node.to_dataframe()
            for position in positions(node).values():
                repr(position), position.channel_names, position.scale, position.frame_metadata
                for _, image in position.images():
                    repr(image), image.shape, image.chunks, image.dask_array()
                position.to_xarray()
                position.zgroup.tree()
            assert asked == []

    # ---- pixels -------------------------------------------------------------------------------

    def test_pixels(self, example: Example) -> None:
        """Every level, whole, is what the format's own library reads."""
        with open_ome_zarr(example.path) as node:
            for path, image in example.images.items():
                for number, level in enumerate(image.all_levels):
                    found = at(node, path)[str(number)]
                    assert (found.shape, found.dtype) == (level.shape, level.dtype)
                    same(found[...], level)
                    found[...][...] = 0  # memory of the caller
                    same(np.asarray(found), level)

    def test_regions(self, example: Example) -> None:
        """Regions, outer products and points are NumPy's."""
        rng = np.random.default_rng(0)
        with open_ome_zarr(example.path) as node:
            for path, image in example.images.items():
                for number, level in enumerate(image.all_levels):
                    for _ in range(8):
                        check_selections(at(node, path)[str(number)], level, rng)

    def test_a_frame_is_read_alone(self, example: Example) -> None:
        """One plane decodes the chunks that it lies in, and each of them once."""
        with counted_chunks() as asked, open_ome_zarr(example.path) as node:
            for path, image in example.images.items():
                found = at(node, path)["0"]
                plane = (-1,) * (len(found.shape) - 2)
                asked.clear()
                same(found[plane], image.pixels[plane])
                sizes = zip(found.shape[-2:], found.chunks[-2:], strict=True)
                assert 0 < len(asked) <= int(np.prod([-(-size // step) for size, step in sizes]))

    def test_threads(self, example: Example) -> None:
        """Several threads read at once."""
        path, image = next(iter(example.images.items()))
        with open_ome_zarr(example.path) as node, ThreadPoolExecutor(4) as threads:
            found = at(node, path)["0"]
            for pixels in threads.map(lambda _: found[...], range(8)):
                same(pixels, image.pixels)
            rngs = [np.random.default_rng(seed) for seed in range(8)]
            list(threads.map(lambda rng: check_selections(found, image.pixels, rng), rngs))

    # ---- the ways to other libraries ----------------------------------------------------------

    def test_dask_and_xarray(self, example: Example) -> None:
        """Lazy arrays have the same pixels, computed in threads or in other processes."""
        with open_ome_zarr(example.path) as node:
            for path, image in example.images.items():
                lazy = at(node, path)["0"].dask_array()
                assert lazy.chunksize == tuple(
                    min(a, b) for a, b in zip(lazy.shape, at(node, path)["0"].chunks, strict=True)
                )
                same(lazy.compute(), image.pixels)
                labelled = at(node, path).to_xarray()
                assert "".join(map(str, labelled.dims)) == image.axes
                same(labelled.values, image.pixels)

    def test_zarr_and_tensorstore(self, example: Example) -> None:
        """A real zarr group and TensorStore's own array have the same pixels."""
        with open_ome_zarr(example.path) as node:
            for path, image in example.images.items():
                position = at(node, path)
                assert dict(position.zgroup.attrs) == dict(position.zattrs)
                assert sorted(position.zgroup.array_keys()) == sorted(position.keys())
                for number, level in enumerate(image.all_levels):
                    same(np.asarray(position.zgroup[str(number)][...]), level)
                same(position["0"].tensorstore().read().result(), image.pixels)

    def test_pickles(self, example: Example) -> None:
        """Nodes and images can be sent to other processes."""
        path, image = next(iter(example.images.items()))
        with open_ome_zarr(example.path) as node:
            for sent in (node, at(node, path)["0"]):
                again = pickle.loads(pickle.dumps(sent))
                assert again == sent
                found = again if sent is not node else at(again, path)["0"]
                same(found[...], image.pixels)

    def test_dask_in_processes(self, example: Example) -> None:
        """Other processes read what they are sent."""
        path, image = next(iter(example.images.items()))
        with open_ome_zarr(example.path) as node:
            lazy = at(node, path)["0"].dask_array()
            same(lazy.compute(scheduler="processes", num_workers=1), image.pixels)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
    def test_forks_in_processes(self, example: Example) -> None:
        """Children of a process that reads, read too, at the same time."""
        path = next(iter(example.images))
        command = [sys.executable, "-c", _FORKED, str(example.path), path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr

    # ---- life ---------------------------------------------------------------------------------

    def test_closes(self, example: Example) -> None:
        """After ``close()`` no file is open, reading is an error and a repr is none."""
        path = next(iter(example.images))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            node = open_ome_zarr(example.path)
            image = at(node, path)["0"]
            image[...]
            node.close()
            node.close()
            gc.collect()
        assert open_files(example) == []
        assert example.path.name in repr(node)
        assert repr(image)
        with pytest.raises(ClosedError):
            image[...]
        with pytest.raises(ClosedError):
            at(node, path)["0"]

    def test_what_nobody_closes(self, example: Example) -> None:
        """A node that is dropped leaves no open file, and no ResourceWarning."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read_all(example, close=False)
            gc.collect()
        assert [each for each in caught if issubclass(each.category, ResourceWarning)] == []
        assert open_files(example) == []

    def test_nothing_is_written(self, example: Example) -> None:
        """Every change is refused, and the way to make one is said."""
        files = contents(example)
        for mode in ("r+", "a"):
            with pytest.raises(ReadOnlyError, match=r"export\(...\)"):
                open_ome_zarr(example.path, mode=mode)
        with open_ome_zarr(example.path) as node:
            position = next(iter(positions(node).values()))
            for change in (
                lambda: position.zattrs.update(a=1),
                lambda: position["0"].__setitem__(..., 0),
                lambda: position.create_zeros("new", (1,) * len(position.axes), "u1"),
                lambda: position.compute_pyramid(2),
            ):
                with pytest.raises(ReadOnlyError, match=r"export\(...\)"):
                    change()
        assert contents(example) == files

    @pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 1.0])
    def test_truncated(self, example: Example, part: float) -> None:
        """A file that ends early is an error that names it, or is said to be, or is read whole."""
        for file in damageable(example):
            whole = file.read_bytes()
            file.write_bytes(whole[: min(int(len(whole) * part), len(whole) - 1)])
            self._check_damaged(example, file)
            file.write_bytes(whole)

    @pytest.mark.parametrize("seed", range(4))
    def test_corrupt(self, example: Example, seed: int) -> None:
        """Random bytes in the first kilobyte are no other error than iohub's own."""
        rng = np.random.default_rng(seed)
        for file in damageable(example):
            whole = file.read_bytes()
            data = np.frombuffer(whole, "u1").copy()
            where = rng.integers(0, min(len(data), 1024), 16)
            data[where] = rng.integers(0, 256, where.size)
            file.write_bytes(data.tobytes())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with suppress(IohubError):
                    read_all(example)
                gc.collect()
            assert open_files(example) == []
            file.write_bytes(whole)

    # ---- steps --------------------------------------------------------------------------------

    def _chosen(self, path: Path) -> Adapter:
        return registry.adapter_for(locate(path, writable=False))

    def _check_damaged(self, example: Example, file: Path) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = read_all(example)
            except IohubError as error:
                found, said = {}, [str(error)]
            else:
                said = [str(e.message) for e in caught if issubclass(e.category, IohubWarning)]
            gc.collect()
        assert open_files(example) == []
        if said:
            assert any(name in said[0] for name in (file.name, example.path.name)), said[0]
            return
        assert list(found) == list(example.images)
        for path, image in example.images.items():
            same(found[path], image.pixels)
