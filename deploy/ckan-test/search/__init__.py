"""A small stand-in for the one Solr core that CKAN talks to.

Speaks only the part of Solr's HTTP API that CKAN (through pysolr) uses: select,
update (add / delete / commit), ping and the schema.  Field types and copy
fields come from the schema.xml of the installed CKAN, so that a string field is
matched whole and a text field by word, as in the real thing.  Documents are held
in memory and written through to SQLite.  Standard library only.

Run with:  python -m search --schema SCHEMA.XML --db FILE [--port N] [--lag SECONDS]
"""
