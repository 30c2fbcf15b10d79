"""A shop for demonstrations: the dunnhumby Complete Journey, told as what a shop's systems emit.

Real purchases of real (anonymous) households; the consent records and the dirt are synthetic, and
the truth about every planted line is kept beside the files.
"""

from personalake.demo.planted import read_planted
from personalake.demo.shop import ShopSummary, emit_shop

__all__ = ["ShopSummary", "emit_shop", "read_planted"]
