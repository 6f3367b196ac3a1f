"""Dialects: one provider's JSON to provider-neutral core events, and back.

`registry.DIALECTS` lists them. A new dialect is one module with its wire tables, whose codecs come
from `codec`, and one line in the registry.
"""
