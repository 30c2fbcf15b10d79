"""How people are forgotten, and told what is held about them."""

from pathlib import Path

from pydantic import Field

from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference


class ErasureSettings(Section):
    """Erasure and access."""

    key: SecretReference | None = Field(
        None, description="Key of pseudonyms, suppression and receipts, as secret://scope/key; a folder lake makes its own"
    )
    retention_hours: int = Field(
        168, ge=0, description="Age from which files of older versions go; below 168 nothing may read older versions, hours"
    )
    search: bool = Field(True, description="Whether every remaining file is decoded and searched before a request is done")
    access: Path = Field(Path("access"), description="Folder into which export_customer writes, readable by its owner only")
