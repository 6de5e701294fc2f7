"""What Open Data DK's portal asks of a dataset, and what it calls things.

Source: the portal's own CKAN extension, https://github.com/datopian/ckanext-portalopendatadk .
"""

from collections.abc import Iterator, Mapping

from publisher.model.catalog import Organization
from publisher.model.dataset import Dataset, Theme

SHORTEST_NAME = 2
BROKEN_RULES = frozenset({"portal-short-name", "portal-no-description", "portal-no-email"})
"""What `broken_rules` may give."""

LICENSES: Mapping[str, str] = {
    "CC0-1.0": "cco",  # as the portal has it
    "CC-BY-4.0": "cc-by",
    "CC-BY-SA-4.0": "cc-bysa",
}
OTHER_LICENSE = "oddk"
"""The dataset's description says under what licence it is."""

GROUPS: Mapping[Theme, str] = {
    "SOCI": "population-and-social-conditions",
    "ENER": "energy",
    "INTR": "international-issues",
    "AGRI": "agriculture-fisheries-forestry-food",
    "ENVI": "environment",
    "ECON": "economy-and-finance",
    "GOVE": "government-public-sector",
    "REGI": "regions-cities",
    "JUST": "justice-legal-system-public-safety",
    "HEAL": "health",
    "TRAN": "transport",
    "EDUC": "education-culture-and-sport",
    "TECH": "science-and-technology",
}
"""The portal's group of each EU theme."""

_FORMATS = """
    TAR GZIP ZIP AZW EPUB MOBI GIF JPEG TIFF PNG EPS CSS PDF PDFA1A PDFA1B PDFX METS METS_ZIP PPSX
    PPS PPT PPTX XLS XLSX XSLFO XSLT DTD_SGML DTD_XML SCHEMA_XML FMX2 FMX3 FMX4 RDF_XML RDF_TURTLE
    SGML SKOS_XML OWL XML SPARQLQ SPARQLQRES DOC DOCX ODT TXT RTF HTML XHTML CSV MDB DBF MOP E00
    MXD KML TSV JSON KMZ GML RSS ODS INDD PSD PS ODF TAR_XZ TAR_GZ RDF XLIFF OVF JSON_LD
    RDF_N_TRIPLES HDF NETCDF SDMX JPEG2000 SHP GDB GMZ ECW GRID_ASCII DMP LAS LAZ TAB TAB_RSTR
    WORLD TMX ATOM OCTET BIN ODC ODB ODG BMP DCR XYZ MAP_PRVW MAP_SRVC REST MSG_HTTP TIFF_FX PDF1X
    WARC_GZ RDF_N_QUADS RDF_TRIG RDFA ARC HTML_SIMPL XHTML_SIMPL SQL PDFA2A PDFA2B PDFA3 MBOX
    MPEG2 MPEG4 MPEG4_AVC BWF MHTML ARC_GZ WARC PDFX1A PDFX2A PDFX4 GEOJSON GRID JATS BITS PWP ISO
    ISO_ZIP RAR SVG QGS N3 MRSID EXE JS ICS PL WFS_SRVC WMS_SRVC HDT LEG IMMC_XML XLSB XLSM ODP
    RDF_TRIX 7Z AAC APK APPX ARJ BZIP2 DEB DMG JAR LHA LZIP LZO LZMA RPM SB3 SWM WIM XZ Z MSI WAR
    EAR FMX4_ZIP AKN4EU AKN4EU_ZIP ETSI_XML GPKG DGN DXF DWG IPA WCS_SRVC PDFUA HTML5 STL AAB
    ARCINFO_COV GEOTIFF LPK MIF_MID UNGEN OAPK DAPK MP3 WAV RDF_THRIFT XHTML5 GTFS YAML EFORMS_XML
    WEBP WMTS_SRVC MOV MATHML DWCA GPX
"""
FORMATS = frozenset(_FORMATS.split())
"""The formats that a resource may have there: the EU's file types."""


def broken_rules(dataset: Dataset, organization: Organization | None) -> Iterator[tuple[str, str]]:
    """Give the code of each rule that the dataset breaks, and the key that is to be mended."""
    if len(dataset.name) < SHORTEST_NAME:
        yield "portal-short-name", "name"
    if not (dataset.description or "").strip():
        yield "portal-no-description", "description"
    contact = dataset.contact_point
    if organization is not None and not (organization.email or (contact and contact.email)):
        yield "portal-no-email", "publisher"
