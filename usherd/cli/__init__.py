"""The command line: the same rules from a shell."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from usherd import db, vault
from usherd.cli import upkeep
from usherd.cli.keys import key_app
from usherd.cli.messages import outbox_app, template_app
from usherd.cli.projects import project_app
from usherd.cli.providers import provider_app
from usherd.cli.secrets import secret_app
from usherd.cli.shell import DatabaseOption, Refused
from usherd.errors import AppError
from usherd.keys import UnknownScope
from usherd.settings import BadSetting, Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="User management that every Appwrite SDK can talk to.",
)
app.add_typer(project_app, name="project")
app.add_typer(key_app, name="key")
app.add_typer(provider_app, name="provider")
app.add_typer(outbox_app, name="outbox")
app.add_typer(template_app, name="template")
app.add_typer(secret_app, name="secret")
app.command()(upkeep.upgrade)
app.command()(upkeep.backup)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port.")] = None,
    database: DatabaseOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, on PostgreSQL.")] = None,
) -> None:
    """Serve the API. The first start makes a project and a key, and prints them."""
    from usherd import app as application

    application.serve(Settings.load(host=host, port=port, database=database, workers=workers))


def stop(reason: object) -> NoReturn:
    """Leave with one sentence on standard error."""
    print(f"usherd: {reason}", file=sys.stderr)
    sys.exit(1)


def main() -> None:
    """The entry point: what goes wrong in an expected way is one sentence, not a traceback."""
    try:
        app()
    except (
        Refused,
        BadSetting,
        db.BadUrl,
        db.UpkeepFailed,
        vault.VaultLocked,
        UnknownScope,
    ) as error:
        stop(error)
    except AppError as error:
        stop(error.message)
    except OSError as error:
        stop(error)


if __name__ == "__main__":
    main()
