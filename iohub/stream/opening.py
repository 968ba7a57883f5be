"""``create_stream``: makes the nodes of a plan and joins them with the sink of a backend."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from iohub.metadata.own import KEY
from iohub.storage import settings as process
from iohub.stream.buffer import FrameQueue
from iohub.stream.build import build_image, build_positions, build_root
from iohub.stream.claims import check_idle
from iohub.stream.ending import RECORD
from iohub.stream.journal import Journal
from iohub.stream.options import StreamOptions
from iohub.stream.plan import StreamPlan, plan_stream
from iohub.stream.running import StreamRun
from iohub.stream.starting import channel_axis, header_of, states_of
from iohub.stream.stream import OMEStream
from iohub.stream.target import ZarrTarget, make_levels
from iohub.stream.zarr_sink import ZarrSink

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.stream.settings import AcquisitionSettings

_ENGINES = {"tensorstore": "tensorstore", "zarr-python": "zarr-python", "zarrs-python": "zarrs"}
"""Backends that are engines of our own storage, and what they are called there."""


def create_stream(settings: AcquisitionSettings, **options: Any) -> OMEStream:
    """Make the file of an acquisition, and return what takes its frames.

    Parameters
    ----------
    settings : AcquisitionSettings
        What is to be written; copied.
    **options
        How: see :class:`iohub.stream.StreamOptions`.

    Returns
    -------
    OMEStream
        To be closed, best with ``with``.

    Raises
    ------
    ExistsError
        If something is there and ``overwrite`` is not set; a :class:`FileExistsError`.
    ConflictError
        If a stream that still runs writes there.
    MissingDependencyError
        If the backend's package is not installed.
    MemoryLimitError
        If it takes more memory than there is; a :class:`MemoryError`.
    UnsupportedError
        If the backend cannot do it; a :class:`NotImplementedError`.
    ValueError
        If settings or options are not complete, or do not fit each other.

    Examples
    --------
    >>> with create_stream(settings, levels=3, fsync="chunk") as stream:
    ...     for frame in camera:
    ...         stream.append(frame)
    """
    plan = plan_stream(settings, StreamOptions(**options))
    if plan.backend.format == "ome-tiff":
        from iohub.stream.tiff_target import open_tiff

        return open_tiff(plan)
    if plan.backend.format == "scratch":
        from iohub.stream.scratch_sink import open_scratch

        return open_scratch(plan)
    if plan.settings.overwrite:
        check_idle(plan.output_path)
    root = build_root(plan)
    nodes = build_positions(root, plan)
    for node, array in zip(nodes, plan.arrays, strict=True):
        build_image(node, array)
    make_levels(nodes, plan.options.levels, plan.options.method)
    return open_zarr(plan, ZarrTarget(nodes, root))


def open_zarr(plan: StreamPlan, target: ZarrTarget) -> OMEStream:
    """Return a stream into nodes that were made for it.

    Parameters
    ----------
    plan : StreamPlan
        Of these nodes; one of its arrays for each.
    target : ZarrTarget
        The nodes.
    """
    options = plan.options
    arrays = target.arrays(options.levels)
    states = states_of(plan, [levels[0].spec.shape for levels in arrays])
    for node, state in zip(target.nodes, states, strict=True):
        if plan.start:
            state.take_up((node.zattrs.get(KEY) or {}).get(RECORD) or {})
    journal = None
    if target.folder is not None:
        header = {**header_of(plan, states), "array": target.name}
        journal = Journal(target.folder, header, sync=options.fsync == "chunk")
    run = StreamRun(
        options, states, plan.num_frames, journal, target.finish, channel_axis=channel_axis(plan)
    )
    if plan.backend.name == "acquire-zarr":
        return _by_acquire(plan, target, run, [levels[0] for levels in arrays])
    engine = _ENGINES.get(plan.backend.name)
    if engine is not None:
        arrays = [[_through(array, engine) for array in levels] for levels in arrays]
    sizes = [levels[0].spec for levels in arrays]
    most = max(prod(spec.unit[:-2]) * prod(spec.shape[-2:]) * spec.dtype.itemsize for spec in sizes)
    queue = FrameQueue(
        plan.memory + 2 * most, options.on_full, workers=options.workers or _workers(), piece=most
    )
    run.sink = ZarrSink(
        arrays,
        queue,
        run.written,
        growing=plan.arrays[0].unbounded,
        engine=engine is not None,
        fsync=options.fsync,
        method=options.method,
    )
    return OMEStream(plan, target, run)


def _by_acquire(
    plan: StreamPlan, target: ZarrTarget, run: StreamRun, arrays: Sequence[ZarrArray]
) -> OMEStream:
    from iohub.stream.acquire_sink import AcquireSink

    frame = plan.arrays[0].frame_bytes
    queue = FrameQueue(plan.queue_bytes + 2 * frame, plan.options.on_full, piece=frame)
    run.sink = sink = AcquireSink(plan, arrays, queue, run.written)
    target.peek = sink.peek
    return OMEStream(plan, target, run)


def _through(array: ZarrArray, engine: str) -> ZarrArray:
    return type(array)(array.store, array.path, array.spec, engine)


def _workers() -> int:
    return max(2, process.get_options().workers)
