"""The functions of the public page, argument by argument; those that this room has."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from iohub.arrow import describing, export, image, ingest, meta, transform

# As the page says them: name, kind and default of each argument.
PAGE = {
    "ingest.from_numpy": (
        'arr, *, dim_order="TCZYX", image_id=None, name=None, image_type=None, '
        "channel_names=None, acquisition_datetime=None, clamp_to_uint16=True, "
        'chunk_shape=(1, 512, 512), chunk_order="ZYX", build_chunks=True, '
        "physical_size_x=1.0, physical_size_y=1.0, physical_size_z=1.0, "
        'physical_size_unit="µm", dtype_meta=None'
    ),
    "ingest.from_torch_array": (
        "arr, *, dim_order=None, image_id=None, name=None, image_type=None, "
        "channel_names=None, acquisition_datetime=None, clamp_to_uint16=True, "
        'chunk_shape=(1, 512, 512), chunk_order="ZYX", build_chunks=True, '
        "physical_size_x=1.0, physical_size_y=1.0, physical_size_z=1.0, "
        'physical_size_unit="µm", dtype_meta=None'
    ),
    "ingest.from_jax_array": (
        "arr, *, dim_order=None, image_id=None, name=None, image_type=None, "
        "channel_names=None, acquisition_datetime=None, clamp_to_uint16=True, "
        'chunk_shape=(1, 512, 512), chunk_order="ZYX", build_chunks=True, '
        "physical_size_x=1.0, physical_size_y=1.0, physical_size_z=1.0, "
        'physical_size_unit="µm", dtype_meta=None'
    ),
    "ingest.from_ome_parquet": (
        "parquet_path, *, column_name='ome_arrow', row_index=0, strict_schema=False, "
        "return_array=False"
    ),
    "ingest.from_ome_zarr": (
        "zarr_path, image_id=None, name=None, image_type=None, channel_names=None, "
        "acquisition_datetime=None, clamp_to_uint16=True"
    ),
    "ingest.from_tiff": (
        "tiff_path, image_id=None, name=None, image_type=None, channel_names=None, "
        "acquisition_datetime=None, clamp_to_uint16=True"
    ),
    "ingest.open_lazy_plane_source": ("source"),
    "ingest.to_ome_arrow": (
        'type_=OME_ARROW_TAG_TYPE, version=OME_ARROW_TAG_VERSION, image_id="unnamed", '
        'name="unknown", image_type="image", acquisition_datetime=None, '
        'dimension_order="XYZCT", dtype="uint16", size_x=1, size_y=1, size_z=1, size_c=1, '
        "size_t=1, physical_size_x=1.0, physical_size_y=1.0, physical_size_z=1.0, "
        'physical_size_unit="µm", channels=None, planes=None, chunks=None, '
        'chunk_shape=(1, 512, 512), chunk_order="ZYX", build_chunks=True, masks=None'
    ),
    "export.to_numpy": ("data, dtype=np.uint16, strict=True, clamp=False"),
    "export.plane_from_chunks": ("data, *, t, c, z, dtype=np.uint16, strict=True, clamp=False"),
    "export.to_ome_parquet": (
        "data, out_path, column_name='image', file_metadata=None, compression='zstd', "
        "row_group_size=None"
    ),
    "export.to_ome_tiff": (
        "data, out_path, *, dtype=np.uint16, clamp=False, dim_order='TCZYX', "
        "compression='zlib', compression_level=6, tile=None, use_channel_colors=False"
    ),
    "export.to_ome_zarr": (
        "data, out_path, *, dtype=np.uint16, clamp=False, dim_order='TCZYX', "
        "multiscale_levels=1, downscale_spatial_by=2, zarr_format=3, chunks=None, "
        "shards=None, compressor='zstd', compressor_level=3, image_name=None"
    ),
    "transform.slice_ome_arrow": (
        "data, x_min, x_max, y_min, y_max, t_indices=None, c_indices=None, "
        "z_indices=None, fill_missing=True"
    ),
    "utils.describe_ome_arrow": ("data"),
    "utils.verify_ome_arrow": ("data, struct"),
    "core.OMEArrow": (
        "data, tcz=(0, 0, 0), *, dim_order=None, column_name='ome_arrow', row_index=0, "
        "image_type=None, lazy=False"
    ),
    "core.OMEArrow.collect": (""),
    "core.OMEArrow.export": (
        "how='numpy', dtype=np.uint16, strict=True, clamp=False, *, out=None, "
        "dim_order='TCZYX', compression='zlib', compression_level=6, tile=None, "
        "chunks=None, zarr_compressor='zstd', zarr_level=7, use_channel_colors=False, "
        "parquet_column_name='ome_arrow', parquet_compression='zstd', "
        "parquet_metadata=None, vortex_column_name='ome_arrow', vortex_metadata=None"
    ),
    "core.OMEArrow.info": (""),
    "core.OMEArrow.slice": (
        "x_min, x_max, y_min, y_max, t_indices=None, c_indices=None, z_indices=None, "
        "fill_missing=True"
    ),
    "core.OMEArrow.slice_lazy": (
        "x_min, x_max, y_min, y_max, t_indices=None, c_indices=None, z_indices=None, "
        "fill_missing=True"
    ),
    "core.OMEArrow.scan": (
        "data, *, tcz=(0, 0, 0), column_name='ome_arrow', row_index=0, image_type=None"
    ),
}
ROOMS = {
    "core": image,
    "export": export,
    "ingest": ingest,
    "transform": transform,
    "utils": describing,
}


def shown(function: object) -> list[tuple[str, str, object]]:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind.name, each.default) for each in parameters]


@pytest.mark.parametrize("name", PAGE)
def test_arguments_and_defaults(name: str) -> None:
    room, *path = name.split(".")
    ours = ROOMS[room]
    for part in path:
        ours = getattr(ours, part)
    bound = len(path) == 2 and path[1] != "scan"
    text = PAGE[name]
    made = eval(  # the text stands above
        f"lambda {'self, ' if bound and text else 'self' if bound else ''}{text}: None",
        {
            "np": np,
            "OME_ARROW_TAG_TYPE": meta.OME_ARROW_TAG_TYPE,
            "OME_ARROW_TAG_VERSION": meta.OME_ARROW_TAG_VERSION,
        },
    )
    assert shown(ours) == shown(made)
