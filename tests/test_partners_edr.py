"""What an EDR service gives in each shape of the standard, and what of it is refused."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from aiohttp import web
from commands import Installation
from federating import Loop, Town, towns

from publisher.model.partner import BoundTable, EdrPartner

SCHEMA: dict[str, Any] = {
    "name": "sea",
    "version": "1.0.0",
    "fields": [
        {"name": "station", "role": "entity"},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "east", "type": "number", "role": "longitude"},
        {"name": "north", "type": "number", "role": "latitude"},
        {"name": "depth", "type": "number"},
        {"name": "level", "type": "number"},
        {"name": "wind", "type": "number"},
    ],
}
FIELDS = {"station": "location", "at": "t", "east": "x", "north": "y", "depth": "z"}
TIMES = ["2026-03-28T20:00:00Z", "2026-03-28T21:00:00Z"]
_numbers = itertools.count()
Shown = tuple[Any, ...]


class Service:
    """Answers each path with what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        """Documents; a status where it is a number."""
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/collections/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.asked.append((path, dict(request.query)))
        found = self.answers.get(path, 404)
        if callable(found):
            found = found(request.query)
        if isinstance(found, int):
            return web.Response(status=found)
        return web.json_response(found, content_type="application/prs.coverage+json")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Service]]:
    loop = Loop()
    with towns(tmp_path_factory.mktemp("edr"), "here") as (here,):
        other = Service()
        loop.run(other.start())
        here.table(SCHEMA, "sea", [])
        yield here, other
        loop.run(other.close())
    loop.close()


@pytest.fixture
def asking(served):
    """Give a function that asks a table of the service; statuses are those of the partner."""
    here, other = served
    other.answers.clear()
    other.asked.clear()
    [entry] = here.entries.values()
    number = next(_numbers)  # what a test had it learn holds for no other

    def ask(shape: Mapping[str, Any], query: str = "", **stated: Any) -> tuple[list[Shown], Any]:
        views = {name: {"column": column} for name, column in FIELDS.items()}
        table = {"collection": "sea", "schema": "../schemas/sea.yaml", "fields": views, **shape}
        spec = EdrPartner.model_validate(
            {
                "type": "ogc-edr",
                "title": f"Made up {number}",
                "url": other.url,
                "tables": {"sea/levels": table},
                **stated,
            }
        )
        here.befriend(
            "dmi", spec, **{"sea/levels": BoundTable(spec.tables["sea/levels"], entry.schema)}
        )
        page = here.get(f"/v1/query?from=sea/levels@dmi&sort=station,at,east,north,depth{query}")
        [told] = page["sources"]["data"]
        return [tuple(row[it["name"]] for it in SCHEMA["fields"]) for row in page["data"]], told

    return ask


def axes(**values: Any) -> dict[str, Any]:
    return {
        name: it if isinstance(it, dict) else {"values": list(it)} for name, it in values.items()
    }


def array(values: list[Any], **shape: int) -> dict[str, Any]:
    told = {"type": "NdArray", "dataType": "float", "values": values}
    return {**told, "axisNames": list(shape), "shape": list(shape.values())} if shape else told


def coverage(on: dict[str, Any], **ranges: Any) -> dict[str, Any]:
    return {"type": "Coverage", "domain": {"type": "Domain", "axes": on}, "ranges": ranges}


ONE = axes(x=[10.5], y=[56.0], t=TIMES[:1])
SERIES = axes(x=[10.5], y=[56.0], t=TIMES)
GRID = axes(x={"start": 10, "stop": 11, "num": 3}, y=[56.0, 55.0], t=TIMES[:1])
CUBE = {"query": "cube", "box": [9, 54, 13, 58]}
AT = tuple(TIMES)
SHAPES: Mapping[str, tuple[Any, list[Shown]]] = {
    "Point": (
        coverage(ONE, level=array([1.5])),
        [(None, AT[0], 10.5, 56.0, None, 1.5, None)],
    ),
    "PointSeries": (
        {**coverage(SERIES, level=array([1, None], t=2), wind=array([3, 4], t=2)), "id": "A"},
        [("A", AT[0], 10.5, 56.0, None, 1.0, 3.0), ("A", AT[1], 10.5, 56.0, None, None, 4.0)],
    ),
    "VerticalProfile": (
        coverage(axes(x=[10.5], y=[56.0], z=[0, 5], t=TIMES[:1]), level=array([1, 2], z=2)),
        [(None, AT[0], 10.5, 56.0, 0.0, 1.0, None), (None, AT[0], 10.5, 56.0, 5.0, 2.0, None)],
    ),
    "Grid": (  # each range in an order of its own
        coverage(
            GRID,
            level=array([1, 2, 3, 4, 5, 6], y=2, x=3),
            wind=array([1, 4, 2, 5, 3, None], t=1, x=3, y=2),
        ),
        [
            (None, AT[0], 10.0, 55.0, None, 4.0, 4.0),
            (None, AT[0], 10.0, 56.0, None, 1.0, 1.0),
            (None, AT[0], 10.5, 55.0, None, 5.0, 5.0),
            (None, AT[0], 10.5, 56.0, None, 2.0, 2.0),
            (None, AT[0], 11.0, 55.0, None, 6.0, None),
            (None, AT[0], 11.0, 56.0, None, 3.0, 3.0),
        ],
    ),
    "Trajectory": (
        coverage(
            axes(
                composite={
                    "dataType": "tuple",
                    "coordinates": ["t", "x", "y"],
                    "values": [[TIMES[0], 10, 55], [TIMES[1], 11, 56]],
                }
            ),
            level=array([1, 2], composite=2),
        ),
        [(None, AT[0], 10.0, 55.0, None, 1.0, None), (None, AT[1], 11.0, 56.0, None, 2.0, None)],
    ),
    "a collection, parameter by parameter": (
        {
            "type": "CoverageCollection",
            "coverages": [
                coverage(SERIES, level=array([1, 2], t=2)),
                coverage(ONE, wind=array([3])),
                coverage(ONE, wind=array([4])),
            ],
        },
        [
            (None, AT[0], 10.5, 56.0, None, None, 4.0),
            (None, AT[0], 10.5, 56.0, None, 1.0, 3.0),
            (None, AT[1], 10.5, 56.0, None, 2.0, None),
        ],
    ),
    "a collection of none": ({"type": "CoverageCollection", "coverages": []}, []),
    "GeoJSON": (
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [10.5, 56]},
                    "properties": {"t": TIMES[0], "level": 1},
                }
            ],
        },
        [(None, AT[0], 10.5, 56.0, None, 1.0, None)],
    ),
    "no content": (204, []),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read(asking, served, shape):
    answer, expected = SHAPES[shape]
    served[1].answers["sea/cube"] = answer
    found, told = asking(CUBE)
    assert told["status"] == "successful", told
    assert sorted(found, key=repr) == sorted(expected, key=repr)


BILLION = {"start": 0, "stop": 1, "num": 10**9}
REFUSED: Mapping[str, tuple[Any, str]] = {
    "a huge grid": (coverage(axes(x=BILLION, y=BILLION)), "partner-many-rows"),
    "long axes": (
        coverage(axes(x=range(400), y=range(400), t=TIMES[:1]), level=array([1])),
        "partner-unlike",
    ),
    "many coverages": (
        {
            "type": "CoverageCollection",
            "coverages": [coverage(axes(x=range(60)), level=array([1] * 60, x=60))] * 2,
        },
        "partner-many-rows",
    ),
    "a grid of nothing": (
        coverage(axes(x={"start": 0, "stop": 1, "num": 0})),
        "partner-unlike",
    ),
    "no number of steps": (
        coverage(axes(x={"start": 0, "stop": 1, "num": 2.5})),
        "partner-unlike",
    ),
    "an axis of objects": (coverage(axes(x=[{"a": 1}])), "partner-unlike"),
    "polygons": (
        coverage(axes(composite={"dataType": "polygon", "coordinates": ["x"], "values": []})),
        "partner-unlike",
    ),
    "ragged tuples": (
        coverage(
            axes(composite={"dataType": "tuple", "coordinates": ["x", "y"], "values": [[1], [2]]})
        ),
        "partner-unlike",
    ),
    "another axis": (coverage(SERIES, level=array([1, 2], s=2)), "partner-unlike"),
    "an axis twice": (
        coverage(SERIES, level={**array([1] * 4, t=2), "axisNames": ["t", "t"], "shape": [2, 2]}),
        "partner-unlike",
    ),
    "a long axis left out": (coverage(SERIES, level=array([1])), "partner-unlike"),
    "another length": (coverage(SERIES, level=array([1, 2, 3], t=3)), "partner-unlike"),
    "ragged ranges": (
        coverage(SERIES, level=array([1, 2], t=2), wind=array([1], t=2)),
        "partner-unlike",
    ),
    "lists in a range": (coverage(ONE, level=array([[1]])), "partner-unlike"),
    "a range elsewhere": (coverage(ONE, level="http://127.0.0.1:9/range"), "partner-unlike"),
    "tiles": (coverage(ONE, level={"type": "TiledNdArray"}), "partner-unlike"),
    "a domain elsewhere": (
        {"type": "Coverage", "domain": "http://127.0.0.1:9/domain", "ranges": {}},
        "partner-unlike",
    ),
    "collections in each other": (
        {"type": "CoverageCollection", "coverages": [{"type": "CoverageCollection"}]},
        "partner-unlike",
    ),
    "a list": ([coverage(ONE)], "partner-unlike"),
    "features that are none": ({"type": "FeatureCollection", "features": [1]}, "partner-unlike"),
    "a refusal": (400, "http-status"),
    "nothing there": (404, "http-missing"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_no_coverage_costs_the_partner_its_own_rows_only(asking, served, fault):
    served[1].answers["sea/cube"], code = REFUSED[fault]
    found, told = asking(CUBE, maxRows=100)
    assert (found, told["problem"]["code"]) == ([], code)


def test_a_deep_answer_is_refused(asking, served):
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    served[1].answers["sea/cube"] = coverage(ONE, level=array([deep]))
    assert asking(CUBE)[1]["problem"]["code"] == "partner-unlike"


ABOUT: dict[str, Any] = {
    "extent": {"spatial": {"bbox": [[8, 54, 13, 58]], "crs": "CRS84"}, "vertical": {}},
    "parameter_names": {
        "level": {
            "type": "Parameter",
            "data-type": "float",
            "description": {"da": "Målt", "en": "Measured"},
            "unit": {"symbol": {"value": "cm", "type": "http://www.opengis.net/def/uom/UCUM/"}},
            "observedProperty": {"label": "Water level"},
        },
        "wind (m/s)": {"label": "Wind", "unit": {"symbol": "m/s"}},
        "ice": {"data-type": "string", "unit": {"symbol": {"value": "%", "type": "UCUM"}}},
        "heat": {"data-type": "integer", "unit": {"symbol": {"value": "C", "type": "x"}}},
    },
}


BOXED = "/v1/query?from=sea/levels@dmi&bbox=9,55,11,57"


def told_of(served: tuple[Town, Service], about: Any, answer: Any, **stated: Any) -> Any:
    """Have a table without a schema, and give what is told of its fields by their column."""
    here, other = served
    other.answers |= {"sea": about, "sea/cube": answer}
    table = {"collection": "sea", **CUBE, **stated}
    named = {"title": f"Made up {next(_numbers)}", "url": other.url}
    spec = EdrPartner.model_validate(
        {"type": "ogc-edr", **named, "tables": {"sea/levels": table}},
    )
    here.befriend("dmi", spec, **{"sea/levels": BoundTable(spec.tables["sea/levels"], None)})
    tables = here.get("/v1/partners/dmi")["tables"] or [{"told": ()}]
    return {it["column"]: it for it in tables[0]["told"]}


def test_a_collection_tells_of_its_fields(served):
    given = {"level": array([1.5]), "wind (m/s)": array([2]), "ice": array(["none"])}
    told = told_of(served, ABOUT, coverage(ONE, **given))
    assert {column: (it["name"], it["type"], it["unit"]) for column, it in told.items()} == {
        "x": ("x", "number", None),
        "y": ("y", "number", None),
        "z": ("z", "number", None),
        "t": ("t", "datetime", None),
        "level": ("level", "number", "cm"),
        "wind (m/s)": ("wind_m_s", "number", "m/s"),
        "ice": ("ice", "string", None),
        "heat": ("heat", "integer", None),  # C may be a charge, or a temperature
    }
    assert (told["level"]["title"], told["level"]["description"]) == ("Water level", "Measured")
    assert told["wind (m/s)"]["title"] == "Wind"
    page = served[0].get(BOXED)
    place = {"x": 10.5, "y": 56.0, "z": None, "t": AT[0]}
    measured = {"level": 1.5, "wind_m_s": 2.0, "ice": "none", "heat": None}
    [row] = page["data"]
    assert {name: it for name, it in row.items() if name[0] != "_"} == {**place, **measured}
    assert page["sources"]["data"][0]["pushedDown"] == ["bbox"]
    told = told_of(served, ABOUT, {}, parameters=["level"])
    assert [*told] == ["x", "y", "z", "t", "level"]


@pytest.mark.parametrize(
    "crs", ["EPSG:25832", 'PROJCS["UTM 32", GEOGCS["WGS 84"], AUTHORITY["EPSG","4326"]]']
)
def test_places_that_are_no_degrees_are_asked_for_no_box(served, crs):
    told = told_of(served, {**ABOUT, "extent": {"spatial": {"crs": crs}}}, coverage(ONE))
    assert {"x", "y"} <= told.keys()
    assert served[0].get(BOXED, 400)["code"] == "no-place-fields"


@pytest.mark.parametrize(("about", "shape"), [({}, "Point"), (ABOUT, "GeoJSON")])
def test_a_service_that_does_not_tell_of_its_fields_says_so(served, about, shape):
    told_of(served, about, SHAPES[shape][0])
    page = served[0].get("/v1/query?from=sea/levels@dmi")
    assert (page["data"], page["complete"]) == ([], False)
    assert page["sources"]["data"][0]["problem"]["code"] == "partner-no-fields"


def asked(served: tuple[Town, Service]) -> list[tuple[str, Mapping[str, str]]]:
    found = list(served[1].asked)
    served[1].asked.clear()
    return found


def test_a_table_says_what_is_asked_for(asking, served):
    served[1].answers["sea/instances/run 1/position"] = coverage(ONE, level=array([1]))
    shape = {
        "query": "position",
        "coords": "POINT(10.5 56)",
        "instance": "run 1",
        "parameters": ["level", "wind"],
        "z": "0/10",
        "format": "CoverageJSON",
    }
    found, told = asking(shape, "&time=2026-03-28/..&bbox=9,55,11,57")
    assert len(found) == 1
    assert (told["pushedDown"], told["appliedLocally"]) == (["filter"], ["filter"])
    assert asked(served) == [
        (
            "sea/instances/run 1/position",
            {
                "coords": "POINT(10.5 56)",
                "parameter-name": "level,wind",
                "z": "0/10",
                "f": "CoverageJSON",
                "datetime": "2026-03-28T00:00:00Z/..",
            },
        )
    ]


@pytest.mark.parametrize(
    ("query", "box", "sent"),
    [
        ("cube", "", {"bbox": "9.0,54.0,13.0,58.0"}),
        ("cube", "10,50,20,55.5", {"bbox": "9.999999,54.0,13.0,55.500001"}),
        ("area", "10,50,20,55.5", {"coords": "POLYGON((9.999999 54.0,13.0 54.0,13.0 55.500001,"
                                             "9.999999 55.500001,9.999999 54.0))"}),
        ("cube", "20,50,21,51", None),
        ("area", "20,50,21,51", None),
    ],
)  # fmt: skip
def test_a_box_narrows_the_one_that_the_table_is_of(asking, served, query, box, sent):
    served[1].answers[f"sea/{query}"] = coverage(ONE, level=array([1]))
    _, told = asking({**CUBE, "query": query}, f"&bbox={box}" if box else "")
    assert told["status"] == "successful"
    assert told["pushedDown"] == (["bbox"] if box else [])
    assert asked(served) == ([] if sent is None else [(f"sea/{query}", sent)])


def test_degrees_are_written_without_an_exponent(asking, served):
    served[1].answers["sea/cube"] = 204
    asking({"query": "cube", "box": [0.00001, 54, 13, 58]})
    assert asked(served) == [("sea/cube", {"bbox": "0.00001,54.0,13.0,58.0"})]


def test_what_a_service_does_not_take_is_asked_for_whole(asking, served):
    def answer(query: Mapping[str, str]) -> Any:
        return 500 if "datetime" in query else coverage(SERIES, level=array([1, 2], t=2))

    served[1].answers["sea/cube"] = answer
    found, told = asking(CUBE, "&time=2026-03-28T21:00:00Z/..")
    assert [row[1] for row in found] == [AT[1]]
    assert (told["status"], told["pushedDown"]) == ("successful", [])
    assert len(asked(served)) == 2


def locations(*ids: Any) -> dict[str, Any]:
    features = [{"type": "Feature", "id": it, "geometry": None, "properties": {}} for it in ids]
    return {"type": "FeatureCollection", "features": features}


def test_locations_are_listed_once_and_only_those_that_are_meant_are_asked(asking, served):
    other = served[1]
    other.answers |= {
        "sea/locations": lambda query: locations("A/1", 2) if not query else locations(2),
        "sea/locations/A/1": coverage(ONE, level=array([1])),
        "sea/locations/2": {**coverage(ONE, level=array([2])), "id": "other"},
    }
    found, told = asking({"query": "locations"})
    assert [(row[0], row[5]) for row in found] == [("2", 2.0), ("A/1", 1.0)]
    assert told["pushedDown"] == []
    assert [path for path, _ in asked(served)] == [
        "sea/locations",
        "sea/locations/A/1",
        "sea/locations/2",
    ]
    found, told = asking({"query": "locations"}, "&station=2")
    assert [row[0] for row in found] == ["2"]
    assert (told["pushedDown"], asked(served)) == (["filter"], [("sea/locations/2", {})])
    found, told = asking({"query": "locations"}, "&station__in=A/1,B")
    assert [row[0] for row in found] == ["A/1"]
    assert asked(served) == [("sea/locations/A/1", {})]
    found, told = asking({"query": "locations"}, "&bbox=9,55,11,57")
    assert (len(found), told["pushedDown"]) == (1, ["bbox"])
    assert asked(served) == [
        ("sea/locations", {"bbox": "8.999999,54.999999,11.000001,57.000001"}),
        ("sea/locations/2", {}),
    ]
    found, _ = asking({"query": "locations", "location": "A/1"}, "&bbox=9,55,11,57")
    assert ([row[0] for row in found], asked(served)) == (["A/1"], [("sea/locations/A/1", {})])


@pytest.mark.parametrize("answer", [locations(None), {"type": "Feature"}, coverage(ONE)])
def test_a_list_of_locations_that_is_none_is_refused(asking, served, answer):
    served[1].answers["sea/locations"] = answer
    assert asking({"query": "locations"})[1]["problem"]["code"] == "partner-unlike"


def test_a_location_that_is_gone_has_the_list_asked_for_again(asking, served):
    other = served[1]
    other.answers |= {"sea/locations": locations("A"), "sea/locations/A": 204}
    shape = {"query": "locations"}
    assert asking(shape)[0] == []
    other.answers |= {"sea/locations": locations("B"), "sea/locations/A": 404}
    other.answers["sea/locations/B"] = coverage(ONE, level=array([1]))
    asking(shape, "&level__gt=0")
    assert [row[0] for row in asking(shape, "&level__gt=-1")[0]] == ["B"]


@pytest.mark.parametrize(
    "stated",
    ["query: cube", "query: position\n      box: [9, 54, 13, 58]", "query: area\n      coords: x"],
)
def test_where_is_said_by_the_key_that_the_query_takes(root, tmp_path, stated):
    (root / "schemas/sea.yaml").write_text(yaml.safe_dump(SCHEMA))
    (root / "catalog/partners.yaml").write_text(
        "dmi:\n  title: D\n  type: ogc-edr\n  url: http://127.0.0.1:9\n  tables:\n"
        f"    sea/levels:\n      collection: sea\n      {stated}\n"
        "      schema: ../schemas/sea.yaml\n"
    )
    checked = Installation(root, tmp_path / "data").run("check", "--json")
    assert checked.code == 2
    problems = checked.json["problems"]
    assert [it["line"] for it in problems if it["rule"] == "edr-place"] == [6], problems
