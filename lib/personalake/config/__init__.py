"""Settings: what a user edits under conf/, checked as a whole before anything starts."""

from personalake.config.loader import load_settings
from personalake.config.settings import Settings
from personalake.config.sources import Source

__all__ = ["Settings", "Source", "load_settings"]
