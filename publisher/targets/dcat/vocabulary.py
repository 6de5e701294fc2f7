"""The words of DCAT-AP and of the EU's authority tables that the catalog is written in.

Sources: https://semiceu.github.io/DCAT-AP/releases/3.0.1/ ; https://digst.github.io/DCAT-AP-DK/ ;
https://op.europa.eu/en/web/eu-vocabularies/authority-tables
"""

from collections.abc import Mapping

from rdflib import Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, OWL, RDF, RDFS, SKOS, XSD

from publisher.targets.authority import BNA, TABLES

DCATAP = Namespace("http://data.europa.eu/r5r/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

FORMAT = URIRef(f"{DCTERMS}format")
"""Its name is a method of what the others are attributes of."""
IMT = URIRef(f"{DCTERMS}IMT")
"""The class of formats whose label ckanext-dcat's harvester reads."""
VERSION = URIRef(f"{DCAT}version")
"""Of DCAT 3, which rdflib does not know."""

PREFIXES: Mapping[str, object] = {
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCTERMS,
    "eli": ELI,
    "foaf": FOAF,
    "geo": GEO,
    "hydra": HYDRA,
    "owl": OWL,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "spdx": SPDX,
    "vcard": VCARD,
    "xsd": XSD,
}

ACCESS_RIGHTS = Namespace(f"{TABLES}/access-right/")
FILE_TYPES = Namespace(f"{TABLES}/file-type/")
FREQUENCIES = Namespace(f"{TABLES}/frequency/")
LANGUAGES = Namespace(f"{TABLES}/language/")
LICENCES = Namespace(f"{TABLES}/licence/")
THEMES = Namespace(f"{TABLES}/data-theme/")
THEME_TAXONOMY = URIRef(f"{TABLES}/data-theme")
MEDIA_TYPES = Namespace("https://www.iana.org/assignments/media-types/")
HVD = Namespace(BNA)
HVD_LEGISLATION = URIRef("http://data.europa.eu/eli/reg_impl/2023/138/oj")
AVAILABLE = URIRef("http://data.europa.eu/r5r/availability/available")
"""As the Danish profile has it; DCAT-AP 3 takes any concept."""

Label = tuple[str, str]
"""Danish, English."""

THEME_LABELS: Mapping[str, Label] = {
    "AGRI": ("Landbrug, fiskeri, skovbrug og fødevarer", "Agriculture, fisheries, forestry, food"),
    "ECON": ("Økonomi og finans", "Economy and finance"),
    "EDUC": ("Uddannelse, kultur og sport", "Education, culture and sport"),
    "ENER": ("Energi", "Energy"),
    "ENVI": ("Miljø", "Environment"),
    "GOVE": ("Regeringen og den offentlige sektor", "Government and public sector"),
    "HEAL": ("Sundhed", "Health"),
    "INTR": ("Internationale spørgsmål", "International issues"),
    "JUST": ("Retfærdighed, retssystem og offentlig sikkerhed", "Justice, legal system, safety"),
    "OP_DATPRO": ("Foreløbige data", "Provisional data"),
    "REGI": ("Regioner og byer", "Regions and cities"),
    "SOCI": ("Befolkning og samfund", "Population and society"),
    "TECH": ("Videnskab og teknologi", "Science and technology"),
    "TRAN": ("Transport", "Transport"),
}
TAXONOMY_LABEL: Label = ("Dataemner", "Data themes")
AVAILABLE_LABEL: Label = ("tilgængelig", "available")
LEGISLATION_LABEL: Label = (
    "Gennemførelsesforordning (EU) 2023/138 om datasæt af høj værdi",
    "Implementing Regulation (EU) 2023/138 on high-value datasets",
)
HVD_LABELS: Mapping[str, Label] = {
    "c_ac64a52d": ("Geospatiale data", "Geospatial"),
    "c_dd313021": ("Jordobservation og miljø", "Earth observation and environment"),
    "c_164e0bf5": ("Meteorologiske data", "Meteorological"),
    "c_e1da4e07": ("Statistik", "Statistics"),
    "c_a9135398": ("Virksomheder og virksomhedsejerskab", "Companies and company ownership"),
    "c_b79e35eb": ("Mobilitet", "Mobility"),
    "c_3af3368c": (
        "Observationer målt af vejrstationer",
        "Observations data measured by weather stations",
    ),
}
PUBLISHER_LABELS: Mapping[str, Label] = {
    "local": ("Lokal myndighed", "Local Authority"),
    "regional": ("Regional myndighed", "Regional Authority"),
    "national": ("National myndighed", "National authority"),
}
FILE_CODES: Mapping[str, str] = {
    "text/csv": "CSV",
    "application/vnd.apache.parquet": "PARQUET",
    "application/json": "JSON",
}
"""EU file type by media type."""
