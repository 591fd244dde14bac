"""Two words that a mail and the page that asked for it both show, so that people can compare."""

from __future__ import annotations

import secrets

_ADJECTIVES = (
    "amber brave bright brisk calm clever cosy crisp curious daring eager early fair fancy "
    "fast fresh friendly gentle glad golden grand green happy honest humble jolly keen kind "
    "lively lucky mellow merry mighty neat nimble noble patient peaceful plain polite proud "
    "quick quiet rapid ready royal rustic silent silver simple smart smooth snowy solid sunny "
    "swift tidy vivid warm wise witty young zesty"
)
_NOUNS = (
    "acorn anchor apple arrow badger bamboo beacon birch bridge candle canyon castle cedar "
    "cherry cloud clover comet coral cricket crystal daisy dolphin eagle ember falcon feather "
    "fern forest fountain galaxy garden glacier harbor hazel heron island ivy jasmine kite "
    "lagoon lantern lemon lily lynx maple meadow mirror moon nectar oak ocean olive orchid "
    "otter panda pebble pepper pine planet prairie quartz raven river robin saddle sparrow "
    "spruce summit thunder tiger tulip valley violet walnut willow"
)
ADJECTIVES, NOUNS = _ADJECTIVES.split(), _NOUNS.split()


def phrase() -> str:
    """An adjective and a noun, such as `Brave Otter`."""
    return f"{secrets.choice(ADJECTIVES).title()} {secrets.choice(NOUNS).title()}"
