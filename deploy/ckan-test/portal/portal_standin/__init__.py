"""Behaves towards a publisher like the Open Data DK portal's own CKAN extension.

Written from what that extension is known to do; nothing of it is copied. Its pages, its
translation service, its upload of documentation and its DCAT profile are not here.
"""
