"""How the work runs: schedulers, and where images wait between the two Fractal tasks."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from iohub.tiles.spellings import TilesModel


class DefaultScheduler(TilesModel):
    """As many threads as the machine has processors."""

    mode: Literal["Default"] = "Default"


class SynchronousScheduler(TilesModel):
    """One thread."""

    mode: Literal["Synchronous"] = "Synchronous"


class ThreadScheduler(TilesModel):
    """Threads.

    Attributes
    ----------
    mode : str
        "Threads".
    num_workers : int
        How many.
    """

    mode: Literal["Threads"] = "Threads"
    num_workers: int = Field(default=8, ge=1)


class ProcessScheduler(TilesModel):
    """Processes.

    Attributes
    ----------
    mode : str
        "Processes".
    num_workers : int
        How many.
    """

    mode: Literal["Processes"] = "Processes"
    num_workers: int = Field(default=8, ge=1)


DaskScheduler: TypeAlias = Annotated[
    ThreadScheduler | ProcessScheduler | SynchronousScheduler | DefaultScheduler,
    Field(discriminator="mode"),
]


def work_of(scheduler: DaskScheduler) -> dict[str, Any]:
    """Return who does the work, as arguments of the writer.

    Parameters
    ----------
    scheduler : DefaultScheduler or SynchronousScheduler or ThreadScheduler or ProcessScheduler
        What was asked for.
    """
    if isinstance(scheduler, ProcessScheduler):
        return {"run": "processes", "workers": scheduler.num_workers}
    if isinstance(scheduler, ThreadScheduler):
        return {"workers": scheduler.num_workers}
    return {"workers": 1 if isinstance(scheduler, SynchronousScheduler) else None}


class TempJsonOptions(TilesModel):
    """Where images wait between the two Fractal tasks.

    Attributes
    ----------
    temp_url : str
        Directory for JSON files; ``{zarr_dir}`` stands for the directory of the conversion.
    serialization : {"Auto", "Memory", "JSON"}
        Whether images travel in the arguments of the task or as files; "Auto" chooses by size.
        Files, unless later names are used.
    max_in_memory_bytes : int
        Up to so many bytes in all, "Auto" uses the arguments.
    """

    later_names: ClassVar[frozenset[str]] = frozenset({"max_in_memory_bytes"})
    later_defaults: ClassVar[dict[str, Any]] = {"serialization": "Auto"}

    temp_url: str = "{zarr_dir}/_tmp_json"
    serialization: Literal["Auto", "Memory", "JSON"] = "JSON"
    max_in_memory_bytes: int = Field(default=10 * 2**20, ge=1)

    def format_temp_url(self, zarr_dir: str) -> str:
        """Return the directory for JSON files.

        Parameters
        ----------
        zarr_dir : str
            Directory of the conversion.
        """
        return self.temp_url.replace("{zarr_dir}", zarr_dir.rstrip("/") or "/")

    def use_in_memory(self, total_bytes: int) -> bool:
        """Whether images travel in the arguments of the task.

        Parameters
        ----------
        total_bytes : int
            What their JSON takes.
        """
        if self.serialization == "Auto":
            return total_bytes <= self.max_in_memory_bytes
        return self.serialization == "Memory"


class RuntimeSettings(TilesModel):
    """How the work runs.

    Attributes
    ----------
    use_zarrs_codec : bool
        Whether chunks are encoded by zarrs; kept, the writer chooses by itself.
    dask_scheduler : DefaultScheduler or SynchronousScheduler or ThreadScheduler or ProcessScheduler
        Threads or processes, and how many.
    temp_json_options : TempJsonOptions
        Where images wait between the two Fractal tasks.
    """

    use_zarrs_codec: bool = False
    dask_scheduler: DaskScheduler = Field(default_factory=DefaultScheduler)
    temp_json_options: TempJsonOptions = Field(
        default_factory=lambda: TempJsonOptions(serialization="Auto")
    )
