"""What every request of this process shares."""

from __future__ import annotations

import msgspec

from usherd.agents import Detector
from usherd.courier import Courier
from usherd.db import Database
from usherd.events import Bus
from usherd.geo import Atlas
from usherd.hashing import HashingPool
from usherd.janitor import Janitor
from usherd.oauth import Agent
from usherd.projects import Directory
from usherd.settings import Settings
from usherd.shown import Shown
from usherd.vault import Vault


class House(msgspec.Struct, frozen=True):
    """What every request may use; made once by `app.create`."""

    settings: Settings
    db: Database
    vault: Vault
    hasher: HashingPool
    directory: Directory
    shown: Shown
    bus: Bus
    detector: Detector
    atlas: Atlas
    courier: Courier
    janitor: Janitor
    oauth: Agent
