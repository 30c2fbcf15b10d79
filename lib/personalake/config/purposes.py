"""What something is done for: every purpose that a part of the settings asks persons for."""

from collections.abc import Iterator

from personalake.config.settings import Settings
from personalake.tables.features import FEATURE_PURPOSES

Key = tuple[str, ...]


def purposes_asked(settings: Settings) -> Iterator[tuple[Key, str]]:
    """The place in the settings, and the purpose that persons must grant for it."""
    for number, rule in enumerate(settings.decisions.rules):
        yield ("decisions", "rules", str(number), "purpose"), rule.purpose
    for name, destination in settings.destinations.items():
        yield from ((("destinations", name, "purposes"), purpose) for purpose in destination.purposes)
    for name, sync in settings.audiences.items():
        yield from ((("audiences", name, "purposes"), purpose) for purpose in sync.purposes)
    yield from purposes_of_models(settings)


def purposes_of_models(settings: Settings) -> Iterator[tuple[Key, str]]:
    """The same for what is learnt, scored, ranked and grouped."""
    for key, it in ((("models", "churn"), settings.models.churn), (("recommender",), settings.recommender)):
        yield (*key, "purpose"), it.purpose
        if it.training_purpose is not None:
            yield (*key, "training_purpose"), it.training_purpose
    yield ("segments", "purpose"), settings.segments.purpose


def assumed_purposes(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Source with `consent: assume_granted`, to the purposes that are assumed: all that anything asks for."""
    purposes = tuple(sorted({*FEATURE_PURPOSES, *(purpose for _, purpose in purposes_asked(settings))}))
    return {name: purposes for name, source in settings.active_sources().items() if source.consent == "assume_granted"}
