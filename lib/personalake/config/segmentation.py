"""Segments: how people are grouped."""

from pydantic import Field

from personalake.config.base import Section


class SegmentSettings(Section):
    """conf/segments.yml."""

    rfm_quantiles: int = Field(5, ge=2, description="Groups per RFM dimension")
