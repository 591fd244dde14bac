"""`usherd secret`: the master secret."""

from __future__ import annotations

import typer

from usherd import rotation
from usherd.cli.shell import DatabaseOption, with_database

secret_app = typer.Typer(no_args_is_help=True, help="The master secret.")


@secret_app.command("generate")
def generate_secret() -> None:
    """Print a new master secret for USHERD_SECRET."""
    import secrets

    print(secrets.token_hex(32))


@secret_app.command("rotate")
def rotate_secret(database: DatabaseOption = None) -> None:
    """Encrypt everything anew: with a new secret file, or with USHERD_SECRET in place of
    USHERD_SECRET_PREVIOUS."""
    changed = with_database(database, rotation.rotate)
    print(f"{changed} values are encrypted with the new secret.")
