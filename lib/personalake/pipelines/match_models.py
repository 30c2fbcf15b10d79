"""The match model that serves."""

from personalake.config.identity import IdentitySettings
from personalake.identity.match_model import MatchModel
from personalake.lake import Ledger
from personalake.tables.identity import MATCH_MODEL


def latest_model(ledger: Ledger, settings: IdentitySettings) -> MatchModel | None:
    """The model that was trained last; None if there is none, or matching is off."""
    trained = ledger.read(MATCH_MODEL) if settings.matching.enabled else []
    return MatchModel.from_json(max(trained, key=lambda row: row["trained_at"])["model"]) if trained else None
