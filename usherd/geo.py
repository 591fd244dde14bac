"""Countries: by a MaxMind-format file where an address is, and what a country is called."""

from __future__ import annotations

from typing import Any

UNKNOWN = "--"


class Atlas:
    """Looks up addresses in the file that `USHERD_GEOIP` names; without one, nothing is known."""

    def __init__(self, path: str) -> None:
        """Raises `settings.BadSetting` when the file cannot be used."""
        self._reader: Any = None
        if path:
            import maxminddb

            from usherd.settings import BadSetting

            try:
                self._reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise BadSetting(f"USHERD_GEOIP: {path} cannot be used: {error}") from error

    def country(self, ip: str) -> str:
        """The ISO 3166 code of the address's country in lower case; `--` when it is not known."""
        if self._reader is None:
            return UNKNOWN
        try:
            found = self._reader.get(ip)
        except ValueError:
            return UNKNOWN
        country = found.get("country") if isinstance(found, dict) else None
        code = country.get("iso_code") if isinstance(country, dict) else None
        return code.lower() if isinstance(code, str) else UNKNOWN

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()


def name(code: str) -> str:
    """The English name of a country for its code."""
    if code == UNKNOWN:
        return "Unknown"
    from phonenumbers.geodata.locale import LOCALE_DATA

    names = LOCALE_DATA.get(code.upper(), {})
    found = str(names.get("en", code.upper()))
    return str(names[found[1:]]) if found.startswith("*") else found  # "*aa": as in that one
