"""A real pygeoapi on a loopback port, over made-up rows; ``make build/pygeoapi/.done`` has it."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from support import PROJECT

HOME = PROJECT / "build" / "pygeoapi"
COLUMNS = ("station", "at", "level", "note")
_PAGE = 5
_EPOCH = "2026-03-28T00:00:00Z"
_GRID = """
import json, sys
import numpy, xarray
path, axes, values = json.load(sys.stdin)
# Its CoverageJSON says y, x, t whatever the order in the file, and begins in the north
xarray.Dataset(
    {name: (("lat", "lon", "time"), numpy.array(it, "float64")) for name, it in values.items()},
    {
        "lat": ("lat", axes["lat"], {"units": "degrees_north"}),
        "lon": ("lon", axes["lon"], {"units": "degrees_east"}),
        "time": ("time", numpy.array(axes["time"], "datetime64[ns]")),
    },
).to_netcdf(path)
"""


class Site:
    """Its collections: ``levels`` are features, ``stations`` and ``grid`` are EDR's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._rows: Sequence[tuple[Any, ...]] = ()

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]:
        return self._rows

    @rows.setter
    def rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Have *rows* as features: station, time, level, note, east, north."""
        self._rows = rows
        features = {
            str(number): {
                "type": "Feature",
                "id": str(number),
                "geometry": None
                if None in row[4:]
                else {"type": "Point", "coordinates": list(row[4:])},
                "properties": dict(zip(COLUMNS, map(written, row[:4]), strict=True)),
            }
            for number, row in enumerate(rows, 1)
        }
        self._replace("levels.tinydb", {"_default": features})

    def stations(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Have *rows* at stations: station, time, level, east, north."""
        self._replace("stations.json", [list(map(written, row)) for row in rows])

    def grid(self, axes: dict[str, list[Any]], values: dict[str, Any]) -> None:
        """Have *values* by latitude from the north, longitude and time."""
        stated = json.dumps([str(self.folder / "grid.nc"), axes, values])
        made = [HOME / "bin" / "python", "-W", "ignore", "-c", _GRID]
        subprocess.run(made, input=stated, text=True, check=True)

    def _replace(self, name: str, content: Any) -> None:
        draft = self.folder / f"{name}.new"
        draft.write_text(json.dumps(content), "utf-8")
        draft.replace(self.folder / name)


def written(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve what the site has, until the context ends."""
    if not (HOME / ".done").exists():
        pytest.fail("pygeoapi is not there: make build/pygeoapi/.done", pytrace=False)
    config, openapi = site.folder / "config.yml", site.folder / "openapi.yml"
    config.write_text(yaml.safe_dump(_config(site)), "utf-8")
    paths = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    environment = {**os.environ, **paths, "PYTHONPATH": str(Path(__file__).parent)}
    described = [HOME / "bin" / "pygeoapi", "openapi", "generate", config, "--output-file", openapi]
    told = subprocess.run(described, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    port = site.url.rpartition(":")[2]
    flask = [HOME / "bin" / "flask", "--app", "pygeoapi.flask_app:APP"]
    with (site.folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*flask, "run", "--no-debug", "--host", "127.0.0.1", "--port", port],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(site, server)
            yield site
        finally:
            server.terminate()
            server.wait(30)


def _wait(site: Site, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            requests.get(f"{site.url}/conformance", timeout=10).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail((site.folder / "log").read_text("utf-8"), pytrace=False)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _config(site: Site) -> dict[str, Any]:
    made_up = {"name": "Made up", "url": "https://example.org"}
    says = {"title": "Made up", "description": "Made up", "keywords": ["made up"]}
    data = {it: str(site.folder / it) for it in ("levels.tinydb", "stations.json", "grid.nc")}
    features = {"type": "feature", "name": "TinyDB", "id_field": "id", "time_field": "at"}
    grid = {"x_field": "lon", "y_field": "lat", "time_field": "time"}
    netcdf = {"format": {"name": "netcdf", "mimetype": "application/x-netcdf"}}
    stations = {"type": "edr", "name": "pygeoapi_stations.Stations"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 0},
            "url": site.url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": _PAGE, "max_items": _PAGE},
            "map": {"url": "https://example.org/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {**says, "terms_of_service": "none", "url": made_up["url"]},
            "license": made_up,
            "provider": made_up,
            "contact": made_up,
        },
        "resources": {
            "levels": _collection("Vandstand", {**features, "data": data["levels.tinydb"]}),
            "stations": _collection("Stationer", {**stations, "data": data["stations.json"]}),
            "grid": _collection(
                "Prognose",
                {"type": "edr", "name": "xarray-edr", **grid, **netcdf, "data": data["grid.nc"]},
                end="2026-03-30T00:00:00Z",
            ),
        },
    }


def _collection(title: str, provider: dict[str, Any], end: str | None = None) -> dict[str, Any]:
    crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    temporal = {
        it: at and datetime.fromisoformat(at) for it, at in (("begin", _EPOCH), ("end", end))
    }
    return {
        "type": "collection",
        "title": title,
        "description": "Made up",
        "keywords": ["made up"],
        "links": [],
        "extents": {"spatial": {"bbox": [8, 54, 13, 58], "crs": crs}, "temporal": temporal},
        "providers": [provider],
    }
