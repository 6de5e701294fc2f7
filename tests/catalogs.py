"""A small catalog that uses every key, for the tests of the registry. Its data are made up."""

from pathlib import Path

from publisher.registry import Finding, Loaded, load
from publisher.secrets import Secrets

DATASET = """\
name: vand
title: Vandstand
description: Made up.
keywords: [vand, sensor]
licenses:
  - name: CC-BY-4.0
    path: https://creativecommons.org/licenses/by/4.0/
    title: Kreditering
publisher: esbjerg
themes: [ENVI]
updateFrequency: UPDATE_CONT
translations:
  en:
    title: Water level
    description: Made up.
id: 8d5c0b1e
version: 1.2.0
homepage: https://example.org
created: "2026-11-23T12:00:00Z"
image: logo.png
sources:
  - title: Vandportalen
    path: https://example.org/vand
contributors:
  - title: Drift
    email: drift@example.org
    role: maintainer
resources:
  - name: stations
    title: Stationer
    path: stations.csv
    schema: ../schemas/station.yaml
  - name: observations
    title: Målinger
    description: Made up.
    path: observations.csv
    schema: ../schemas/level.yaml
    interval: PT5M
    translations:
      en: {title: Observations}
    harvest:
      source:
        type: http
        url: "https://example.org/${AREA}.csv"
        headers:
          Authorization: "Bearer ${VAND_TOKEN}"
        maxBytes: 1000000
      every: PT15M
      mode: merge
      format: csv
      encoding: windows-1252
      dialect:
        header: true
        headerRows: [14]
        commentChar: "#"
        csv:
          delimiter: ";"
          quoteChar: "'"
          skipInitialSpace: true
      timezone: "+01:00"
      fields:
        station:
          constant: "38.05"
        observed_at:
          column: Dato
          format: "%d-%m-%Y %H:%M"
        level:
          column: Vandstand
          unit: cm
          decimalChar: ","
          groupChar: "."
          bareNumber: true
          missingValues: ["", "-"]
      maxBad: 5%
      maxShrink: 20%
      lag: P1D
      history: P1Y
      checks:
        - type: forbidden-value
          fieldName: level
          values: [99]
        - type: table-dimensions
          minRows: 1
publish:
  access: public
  targets: [folder, by]
  every: PT1H
  formats: [csv]
"""

LEVEL = """\
name: level
version: 1.0.0
id: https://example.org/schemas/level
title: Vandstand
description: Made up.
fields:
  - name: station
    type: string
    title: Station
    role: entity
    constraints:
      required: true
      maxLength: 10
      pattern: "[0-9.]+"
  - name: observed_at
    type: datetime
    role: time
    constraints:
      required: true
      minimum: "2000-01-01T00:00:00Z"
  - name: level
    type: number
    description: Over DVR90.
    unit: m
    decimal: 10,3
    observedProperty: https://example.org/level
    rdfType: https://example.org/level
    example: 1.5
    constraints:
      minimum: -5
      maximum: 20
    translations:
      en:
        title: Level
  - name: quality
    type: integer
    role: quality
    personal: false
    constraints:
      enum: [0, 1, 2]
  - name: checked
    type: boolean
    trueValues: ["ja"]
    falseValues: ["nej"]
primaryKey: [station, observed_at]
foreignKeys:
  - fields: [station]
    reference:
      resource: stations
      fields: [station]
missingValues: [""]
translations:
  en:
    title: Water level
"""

STATION = """\
name: station
version: 1.0.0
fields:
  - {name: station, type: string, constraints: {required: true}}
  - {name: longitude, type: number, role: longitude}
  - {name: latitude, type: number, role: latitude}
primaryKey: station
"""

ORGANIZATIONS = """\
esbjerg:
  title: Esbjerg Kommune
  municipality: "0561"
  email: data@example.org
"""

TARGETS = """\
by:
  type: ckan
  profile: opendata-dk
  url: https://ckan.example.org
  organizations:
    esbjerg:
      name: esbjerg-kommune
      token: "${BY_TOKEN}"
"""

OTHER = """\
name: parkering
title: Parkering
publisher: esbjerg
resources:
  - {name: stations, path: stations.csv, schema: ../schemas/station.yaml}
"""

FILES = {
    "catalog/vand.yaml": DATASET,
    "catalog/parkering.yaml": OTHER,
    "catalog/organizations.yaml": ORGANIZATIONS,
    "catalog/targets.yaml": TARGETS,
    "schemas/level.yaml": LEVEL,
    "schemas/station.yaml": STATION,
}
# maxShrink says nothing under merge, and that is all there is to say about these files
EXPECTED = {"shrink-without-replace"}
SECRETS = Secrets({"AREA": "vest", "VAND_TOKEN": "t" * 20, "BY_TOKEN": "t" * 20})


def write(root: Path, **changed: str | bytes) -> Path:
    """Write the files below *root*; *changed* ones by name: ``vand``, ``level``, ..."""
    for file, text in FILES.items():
        content = changed.pop(Path(file).stem, text)
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert not changed, f"no such files: {sorted(changed)}"
    return root


def loaded(root: Path) -> Loaded:
    """Load and see that every finding can be told in both languages."""
    found = load(root, SECRETS)
    for problem in found.problems:
        for language in ("en", "da"):
            assert problem.message(language)
            assert problem.text(language).startswith(f"{problem.file}:{problem.line}:")
            assert problem.descriptor(language)["rule"] == problem.code
    return found


def only(found: Loaded) -> Finding:
    """Give the one problem there is beside the expected one."""
    problems = [problem for problem in found.problems if problem.code not in EXPECTED]
    assert len(problems) == 1, [problem.text() for problem in problems]
    return problems[0]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1
