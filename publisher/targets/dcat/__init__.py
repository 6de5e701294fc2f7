"""The catalog as DCAT-AP 3 with its Danish profile, to be harvested by other catalogs."""
