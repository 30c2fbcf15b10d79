"""How people are forgotten, and told what is held about them."""

from pathlib import Path

from pydantic import Field

from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference


class AccessNotice(Section):
    """What whoever asks for their data is told beside it, in the company's own words; no code can know it."""

    controller: str | None = Field(None, description="Who is responsible, and how to reach them and the protection officer")
    authority: str | None = Field(None, description="Supervisory authority to which one may complain, with its address")
    rights: str = Field(
        "You may ask us to correct or to erase this data, to use it for less, and to hand it over to somebody else; you may "
        "object to its use, to advertising and profiling for it at any time and without a reason, and take back a consent "
        "without losing what was lawful until then.",
        description="Rights of Articles 16 to 21 GDPR, as they are told",
    )
    complaint: str = Field(
        "You may complain to a supervisory authority where you live or work, or to ours:",
        description="What stands before the authority",
    )
    transfers: str | None = Field(None, description="To which other countries data goes, and under which safeguards")
    consequences: str | None = Field(
        None, description="What automated decisions mean for a person, and how they ask for a human to look at one"
    )


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
    notice: AccessNotice = AccessNotice()
