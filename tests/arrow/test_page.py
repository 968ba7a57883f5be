"""Everything on the public page: its modules, names, arguments and defaults."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

import iohub.arrow
from iohub.arrow import core, export, ingest, meta, tensor, transform, utils, view

SELECTION = "t=None, z=None, c=None, roi=None, roi3d=None, roi_nd=None, roi_type=None, tile=None"
SHOWN = "layout=None, dtype=None, chunk_policy='auto', channel_policy='error'"
GIVEN = "device='cpu', contiguous=True, mode='arrow'"

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
    "core.OMEArrow.tensor_view": f"*, scene=None, {SELECTION}, {SHOWN}",
    "core.OMEArrow.view": (
        "how='matplotlib', tcz=(0, 0, 0), autoscale=True, vmin=None, vmax=None, cmap='gray', "
        "show=True, c=None, downsample=1, opacity='sigmoid', clim=None, show_axes=True, "
        "scaling_values=None"
    ),
    "ingest.from_ome_vortex": (
        "vortex_path, *, column_name='ome_arrow', row_index=0, strict_schema=False, "
        "return_array=False"
    ),
    "ingest.from_stack_pattern_path": (
        "pattern_path, default_dim_for_unspecified='C', map_series_to='T', "
        "clamp_to_uint16=True, channel_names=None, image_id=None, name=None, image_type=None"
    ),
    "export.to_ome_vortex": "data, out_path, column_name='image', file_metadata=None",
    "tensor.TensorView": f"data, *, plane_loader=None, {SELECTION}, {SHOWN}",
    "tensor.LazyTensorView": f"*, loader, resolver=None, {SELECTION}, {SHOWN}",
    "tensor.LazyTensorView.collect": "",
    "tensor.LazyTensorView.select": f"*, {SELECTION.replace('None', 'unset')}",
    **{
        f"tensor.{each}.{name}": text
        for each in ("TensorView", "LazyTensorView")
        for name, text in {
            "iter_dlpack": (
                "*, batch_size=None, tile_size=None, tiles=None, shuffle=False, seed=None, "
                f"prefetch=0, {GIVEN}"
            ),
            "iter_tiles_3d": (
                "*, tile_size, shuffle=False, seed=None, prefetch=0, device='cpu', "
                "contiguous=True, mode='numpy'"
            ),
            "to_dlpack": f"*, {GIVEN}",
            "to_jax": f"*, {GIVEN}",
            "to_numpy": "*, contiguous=False",
            "to_torch": f"*, {GIVEN}",
            "with_layout": "layout",
        }.items()
    },
    "view.view_matplotlib": (
        "data, tcz=(0, 0, 0), autoscale=True, vmin=None, vmax=None, cmap='gray', show=True"
    ),
    "view.view_pyvista": (
        "data, c=0, downsample=1, scaling_values=None, opacity='sigmoid', clim=None, "
        "show_axes=True, backend='auto', interpolation='nearest', background='black', "
        "percentile_clim=(1.0, 99.9), sampling_scale=0.5, show=True"
    ),
}
ROOMS = {
    "core": core,
    "export": export,
    "ingest": ingest,
    "tensor": tensor,
    "transform": transform,
    "utils": utils,
    "view": view,
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
            "unset": inspect.signature(tensor.LazyTensorView.select).parameters["t"].default,
        },
    )
    assert shown(ours) == shown(made)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (core.OMEArrow, "data is_lazy"),
        (tensor.TensorView, "device dtype layout shape strides"),
        (tensor.LazyTensorView, "device dtype layout shape strides"),
    ],
)
def test_properties(owner: type, names: str) -> None:
    assert all(isinstance(getattr(owner, name), property) for name in names.split())


def test_every_name_of_the_page_and_of_the_room_is_there() -> None:
    for name in PAGE:
        module, *path = name.split(".")
        found = importlib.import_module(f"iohub.arrow.{module}")
        for part in path:
            found = getattr(found, part)
    assert all(getattr(iohub.arrow, name) is not None for name in iohub.arrow.__all__)
    assert set(iohub.arrow.__all__) <= set(dir(iohub.arrow))
    assert meta.OME_ARROW_STRUCT.field("pixels_meta").type.field("size_c").type == "int16"
    with pytest.raises(AttributeError, match="nothing"):
        _ = iohub.arrow.nothing
