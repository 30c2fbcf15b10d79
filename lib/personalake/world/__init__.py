"""A seeded customer base whose truth is known: what a retailer's systems would emit, and what is behind it.

`world(spark, settings)` gives both as named tables, `emit_world` writes them to disk, `records` and `record_truth` are the
customer records alone. Drawn from hashes of the seed and of what is drawn for, a world is the same in any partitioning.
"""

from personalake.world.emit import WorldSummary, emit_world
from personalake.world.records import matching_pairs, record_truth, records
from personalake.world.settings import DirtSettings, RecordSettings, WorldSettings
from personalake.world.world import World, world

__all__ = [
    "DirtSettings",
    "RecordSettings",
    "World",
    "WorldSettings",
    "WorldSummary",
    "emit_world",
    "matching_pairs",
    "record_truth",
    "records",
    "world",
]
