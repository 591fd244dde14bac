"""The faces that speak Appwrite's protocol; `TABLE` is every endpoint there is."""

from __future__ import annotations
