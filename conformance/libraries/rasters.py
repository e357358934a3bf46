"""Stands in for the binary files that titiler.application's tests read: `rasters.py FOLDER`.

Their repository keeps rasters, which can't be pinned as text; these are made anew, with the
projection, size, type and values that the tests ask for, and nothing else in common with them.
Run with the Python of the environment that titiler is installed in: rasterio comes with it.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import morecantile
import numpy as np
from cogeo_mosaic.mosaic import MosaicJSON
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_bounds, from_origin


def cog(path, bands, crs, transform, nodata=None):
    """Write bands (count, height, width) as a cloud-optimised GeoTIFF with overviews."""
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width}
    profile |= {"dtype": bands.dtype, "crs": crs, "transform": transform, "nodata": nodata}
    with MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(bands)
        with memory.open() as raster:
            copy(raster, path, driver="COG", blocksize=256)


def constant(value, side, dtype="uint16"):
    return np.full((1, side, side), value, dtype=dtype)


def make(folder):
    """Every raster, the mosaic of one of them, and a time series in a Zarr store."""
    slope = np.linspace(1, 999, 2658, dtype="uint16")
    gray = np.broadcast_to(slope, (1, 2667, 2658)).copy()
    cog(folder / "cog.tif", gray, "EPSG:32621", from_origin(373185, 8286015, 100, 100))
    tile = morecantile.tms.get("WebMercatorQuad").bounds(53, 50, 8)
    classes = np.tile(np.arange(1, 5, dtype="uint8"), (1, 256, 64))
    cog(folder / "above_cog.tif", classes, "EPSG:4326", from_bounds(*tile, 256, 256))
    nan = constant(np.nan, 512, "float32")
    nan[0, :, :100] = 7
    where = from_origin(79.5, 22.1, 0.001, 0.001)
    cog(folder / "cog_with_nan.tif", nan, "EPSG:4326", where, nodata=np.nan)
    corner = from_origin(699960, 3600000, 600, 600)
    for name, value in (("B01.tif", 3565), ("B09.tif", 7276)):
        cog(folder / name, constant(value, 183), "EPSG:32634", corner)
    colours = np.concatenate([constant(value, 1024) for value in (9943, 9127, 9603)])
    cog(folder / "cog1.tif", colours, "EPSG:32618", from_origin(600000, 5100000, 200, 200))
    mosaic(folder)
    if find_spec("xarray"):  # titiler.application asks for it since 2.0
        series(folder / "dataset_3d.zarr")


def mosaic(folder):
    made = MosaicJSON.from_urls([str(folder / "cog1.tif")], minzoom=7, maxzoom=9, quiet=True)
    text = made.model_dump_json(exclude_none=True).replace(str(folder) + "/", "")
    (folder / "mosaic.json").write_text(json.dumps(json.loads(text)))


def series(path):
    import xarray

    values = np.linspace(0, 1000, 2 * 1000 * 2000).reshape(2, 1000, 2000)
    times = np.array(["2022-01-01", "2023-01-01"], dtype="datetime64[ns]")
    lines = {"y": np.linspace(89.9, -89.9, 1000), "x": np.linspace(-179.9, 179.9, 2000)}
    data = xarray.DataArray(values, dims=("time", "y", "x"), coords={"time": times, **lines})
    data.attrs = {"valid_min": 0.0, "valid_max": 1000.0}
    data.to_dataset(name="dataset").to_zarr(path, mode="w", zarr_format=2, consolidated=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
