"""Settings: `davtari.toml`, overridden by the environment; secrets come from files and are never shown."""

from services.settings.load import SettingsError, load
from services.settings.model import Settings

__all__ = ["Settings", "SettingsError", "load"]
