"""One training of recommenders: the purchases it works with, the candidates, and the contests between them.

The purchases are brought to the driver: 1.5 million order lines are some 60 MB there, and ten times as many still fit.
Beyond `recommender.max_interactions`, training takes a fixed sample of people with all they bought: neither the
relations of items nor the rankers need everyone. Making the lists has no such limit, see `recommend_items`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from personalake.common.time_cuts import days_before
from personalake.config.recommending import RecommenderSettings
from personalake.lake import Lake
from personalake.pipelines.consenting import Consenting
from personalake.pipelines.item_purchases import purchases_on_driver, read_catalogue, read_purchases, taken
from personalake.recommenders.als import fit_als, ratings
from personalake.recommenders.contest import Snapshot, Split, fit_blend_between, judged_at, snapshot, testable_people
from personalake.recommenders.evaluation import Judged
from personalake.recommenders.interactions import Interactions
from personalake.recommenders.items import assortment
from personalake.recommenders.popularity import OwnFrequency, Popularity
from personalake.recommenders.purchases import of_sample
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.recipe import Recipe
from personalake.recommenders.serving import FORMAT, Packed
from personalake.tables.silver import ORDER_LINE
from personalake.tracking import Champion, Tracker

MODEL = "items"
FORMAT_TAG = "format"
PREVIOUS = "previous_champion"
Verdicts = Mapping[str, Mapping[str, Judged]]


def champion_of(tracker: Tracker) -> Champion | None:
    """The recommender that serves; None if there is none that this code can open."""
    champion = tracker.champion(MODEL)
    return champion if champion is not None and champion.tags.get(FORMAT_TAG) == FORMAT else None


@dataclass(frozen=True)
class Training:
    """What one training works with.

    Args:
        rows: The purchases known before the training cut.
        described: Names and levels of the items.
        settings: How.
        lake: Gives the session for ALS.
        snapshots: What was known at each cut that was asked for so far.
    """

    rows: Interactions
    described: pd.DataFrame
    settings: RecommenderSettings
    lake: Lake
    snapshots: dict[date, Snapshot] = field(default_factory=dict)

    @classmethod
    def of(
        cls, lake: Lake, settings: RecommenderSettings, training_cut: date, time_zone: str, allowed: Consenting
    ) -> "Training":
        """Read what was known before the training cut of those who allow it; of more than fits, by Spark, a sample."""
        share = settings.max_interactions / max(1, lake.ledger.rows(ORDER_LINE))
        if share < 1:
            rows = taken(read_purchases(lake, training_cut, allowed).transform(of_sample(share)))
        else:
            rows = purchases_on_driver(lake, training_cut, time_zone, allowed)
        return cls(rows, assortment(rows.product_ids, read_catalogue(lake, training_cut)), settings, lake)

    @property
    def recipe(self) -> Recipe:
        """How candidates and features are made."""
        return Recipe(**self.settings.recipe.model_dump())

    def testable_people(self, split: Split) -> int:
        """People who could be learnt from and judged on a split."""
        return testable_people(self.rows, split, self.recipe)

    def contest(self, split: Split, previous: Recommender | None = None) -> Verdicts:
        """Every candidate's lists, and the previous champion's, against the purchases after the cut."""
        seen = self._at(split.cut)
        candidates: dict[str, Recommender] = {
            kind: self._fitted(kind, seen, split.fit_cut, split.cut) for kind in self._kinds(seen)
        }
        if previous is not None:
            candidates[PREVIOUS] = previous
        return judged_at(self.rows, seen, split, candidates)

    def refitted(self, kind: str, training_cut: date) -> Packed:
        """A recommender fitted with everything before the training cut, as it is to serve."""
        seen = self._at(training_cut)
        labels_from = days_before(training_cut, self.settings.label_days)
        return Packed(self._fitted(kind, seen, labels_from, training_cut), seen.items, self.recipe)

    def _kinds(self, seen: Snapshot) -> tuple[str, ...]:
        rated = (seen.items.people >= self.settings.als.min_people).any()
        return (Popularity.name, OwnFrequency.name, *(("als",) if rated else ()), "blend")

    def _fitted(self, kind: str, seen: Snapshot, labels_from: date, cut: date) -> Recommender:
        recipe = self.recipe
        if kind == Popularity.name:
            return Popularity(recipe.list_length)
        if kind == OwnFrequency.name:
            return OwnFrequency(recipe.list_length)
        if kind == "blend":
            return fit_blend_between(self.rows, self._at(labels_from), seen, labels_from, cut, recipe)
        rated = self.lake.spark.createDataFrame(ratings(seen.history, seen.items, self.settings.als.min_people))
        return fit_als(rated, seen.items, self.settings.als, recipe.list_length, self.settings.seed)

    def _at(self, cut: date) -> Snapshot:
        if cut not in self.snapshots:
            self.snapshots[cut] = snapshot(self.rows, self.described, cut, self.recipe)
        return self.snapshots[cut]
