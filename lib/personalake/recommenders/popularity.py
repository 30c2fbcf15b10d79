"""The dull recommenders: what most people buy lately, and what a person has always bought."""

from dataclasses import dataclass

import numpy as np

from personalake.recommenders.interactions import History
from personalake.recommenders.items import ItemTable
from personalake.recommenders.ranking import Lists, Ranked, owned, top


@dataclass(frozen=True)
class Popularity:
    """Items by the number of people who bought them lately; the yardstick, and the fallback for people without history.

    Args:
        length: Items in a list.
    """

    length: int
    name: str = "popularity"

    def rank(self, history: History, items: ItemTable) -> Lists:
        """The same items for everyone; of the new ones, those that the person never bought."""
        shelf = np.sort(items.most_popular(self.length))
        everyone = np.tile(shelf, (history.people, 1))
        return Lists(top(everyone, items.popular_people[everyone], self.length), self._new(history, items))

    def _new(self, history: History, items: ItemTable) -> Ranked:
        shelf = items.most_popular(_SHELF)
        have = owned(history, shelf)
        first = np.argsort(have, axis=1, kind="stable")[:, : self.length]
        listed = np.where(np.take_along_axis(have, first, 1), -1, shelf[first])
        return top(listed, items.popular_people[shelf[first]], self.length)


# Somebody who owns all of the most popular items needs no popular item.
_SHELF = 1000


@dataclass(frozen=True)
class OwnFrequency:
    """A person's own items by the number of orders with them, ties by the number of people; says nothing of new items.

    Args:
        length: Items in a list.
    """

    length: int
    name: str = "own_frequency"

    def rank(self, history: History, items: ItemTable) -> Lists:
        """Lists of what people bought before; as long as they bought different items."""
        # Divided by one more than the most: the tie-break never reaches a whole order.
        score = history.orders + items.people[history.item] / (items.people.max(initial=0) + 1)
        best = np.lexsort((history.item, -score, history.person))
        person = history.person[best]
        place = np.arange(len(best)) - np.searchsorted(person, person, side="left")
        kept = place < self.length
        listed = np.full((history.people, self.length), -1, dtype=np.int64)
        scores = np.full(listed.shape, -np.inf)
        listed[person[kept], place[kept]] = history.item[best][kept]
        scores[person[kept], place[kept]] = score[best][kept]
        nothing = Ranked(np.full_like(listed, -1), np.full(listed.shape, -np.inf))
        return Lists(Ranked(listed, scores), nothing)
