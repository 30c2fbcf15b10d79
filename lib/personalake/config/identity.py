"""Identity: which identifiers link, what contradicts a link, how pairs are compared, and which links people decided on."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.config.nearest import nearest
from personalake.config.nicknames import chained
from personalake.config.sql import check_columns, check_row
from personalake.tables.silver import DEMOGRAPHICS

# What a record can say about a person, standardised; see tables/silver.py, match_record.
DETAILS = ("first_name", "last_name", "birth_date", "postcode", "street", "city")
IDENTIFIERS = ("login", "loyalty_id", "email", "phone", "device_id", "cookie_id")
FIELDS = (*DETAILS, *IDENTIFIERS)
Survival = Literal["most_recent", "most_frequent", "most_trusted", "most_complete"]


class IdentifierKind(Section):
    """How far one kind of identifier is trusted."""

    links: bool = Field(False, description="True joins the records that share a value; else it is evidence for matching")
    per_person: int | None = Field(None, ge=1, description="Different values that one person may hold; no limit by default")
    persons: int = Field(5, ge=1, description="Persons who may share a value; beyond it, it is a hub and belongs to nobody")


class GuardSettings(Section):
    """What a link must never do; where it would, the weakest one goes, and the fact is recorded."""

    blocked_values: tuple[str, ...] = Field(
        (r"^[0-]*$", r"^-1$", r"^null$", r"^anonymous$", r"^none(@.*)?$", r"^unknown$", r"^n/?a$"),
        description="Regular expressions of values that identify nobody, in any case of letters",
    )
    max_merges: int = Field(100, ge=1, description="Records that may be joined to one person, beyond the first")
    max_identifiers: int = Field(1_000, ge=2, description="Identifiers that one person may hold")
    contradictions: tuple[Literal["first_name", "birth_date"], ...] = Field(
        ("first_name", "birth_date"), description="Details in which two groups of records must not disagree to be joined"
    )
    overruled_weight: float = Field(
        22, description="Match weight from which a pair is joined although such details disagree, bits"
    )
    smaller_side_weight: float = Field(
        2, ge=0, description="Bits that a pair must add for each doubling of the smaller of two groups that it would join"
    )
    larger_side_weight: float = Field(0.5, ge=0, description="The same for the larger of the two, bits")
    household_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of evidently two persons among pairs of one last name and street, below which records know no "
        "households: a detail that disagrees is then a slip, and refuses nothing; 0 keeps the guard in any case",
    )

    @field_validator("blocked_values")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return patterns


class Comparison(Section):
    """One piece of evidence for or against a pair."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name in charts and explanations")
    kind: Literal["given_name", "name", "household", "date", "email", "code", "exact"] = Field(
        description="How values are compared; household looks at last_name, street and postcode together"
    )
    field: str | None = Field(None, description="Field that is compared; the name by default")
    frequency: bool = Field(False, description="True makes agreement on a frequent value count less")
    coincidence: float | None = Field(
        None,
        gt=0,
        le=1,
        description="For values that one person has: the share of equal pairs who are two persons all the same",
    )

    @property
    def column(self) -> str:
        """The column that is compared."""
        return self.field or self.name

    @model_validator(mode="after")
    def _known_field(self) -> "Comparison":
        if self.kind != "household" and self.column not in FIELDS:
            raise ValueError(f"{self.column!r} is no field of a record; there are: {', '.join(FIELDS)}")
        return self


class MatchSettings(Section):
    """How pairs are found, compared and judged."""

    enabled: bool = Field(True, description="False leaves it to shared identifiers alone")
    comparisons: tuple[Comparison, ...] = Field(
        (
            Comparison(name="first_name", kind="given_name", frequency=True),
            Comparison(name="household", kind="household", frequency=True),
            Comparison(name="birth_date", kind="date"),
            Comparison(name="email", kind="email", frequency=True, coincidence=0.05),
            Comparison(name="phone", kind="code", frequency=True, coincidence=0.1),
            Comparison(name="device_id", kind="exact", frequency=True, coincidence=0.2),
            Comparison(name="login", kind="exact", coincidence=0.01),
            Comparison(name="loyalty_id", kind="exact", coincidence=0.01),
        ),
        min_length=1,
        description="The evidence",
    )
    blocking: tuple[str, ...] = Field(
        (
            "loyalty_id",
            "login",
            "email",
            "right(phone, 7)",
            "device_id",
            "cookie_id",
            "concat_ws('|', substr(first_name, 1, 1), street)",
            "concat_ws('|', last_name, birth_date)",
            "concat_ws('|', substr(first_name, 1, 2), birth_date)",
            "concat_ws('|', first_name, last_name)",
            "concat_ws('|', postcode, birth_date)",
            "concat_ws('|', postcode, last_name, substr(first_name, 1, 1))",
            "concat_ws('|', postcode, first_name)",
            "concat_ws('|', substr(email, 1, 1), right(substring_index(email, '@', 1), 5))",
        ),
        min_length=1,
        description="Spark SQL over a record's fields: two records are compared if they agree in one of these; a record "
        "without one of the fields has no key",
    )
    max_key_rows: int = Field(
        200, ge=2, description="Records that may share a blocking key; a key of more is left out, and recorded"
    )
    training_blocks: tuple[tuple[str, ...], ...] = Field(
        (("email",), ("loyalty_id",), ("login",), ("birth_date",)),
        min_length=1,
        description="Fields that agree in the pairs from which each pass of expectation maximisation learns",
    )
    certain_blocks: tuple[tuple[str, ...], ...] = Field(
        (("login",), ("loyalty_id",), ("email", "first_name")),
        min_length=1,
        description="Fields whose agreement is nearly certain; the prior is estimated from their pairs",
    )
    certain_recall: float = Field(0.6, gt=0, le=1, description="Share of all matches that agree in one of certain_blocks")
    random_pairs: int = Field(2_000_000, ge=1_000, description="Random pairs from which chance agreement is estimated")
    training_rows: int = Field(100_000, ge=100, description="Records that training looks at, chosen by a hash")
    frequent_from: int = Field(
        10, ge=2, description="Records that share a value from which on the model keeps its frequency, and it"
    )
    seed: int = Field(17, description="Seed of the random pairs")
    link_weight: float = Field(
        0.0, description="Match weight from which a pair of single records is a link, bits; 0 is even odds"
    )
    keep_weight: float = Field(-2.0, description="Match weight from which a pair is kept for review, bits")
    backend: Literal["auto", "duckdb", "spark"] = Field(
        "auto", description="What scores pairs: DuckDB on the driver, or Spark; auto chooses by the number of records"
    )
    duckdb_up_to_records: int = Field(
        3_000_000, ge=0, description="Records up to which auto chooses DuckDB; the pairs are the same by either"
    )
    duckdb_memory: str = Field("4GB", description="Memory that DuckDB may use, with unit; it spills to disk beyond it")
    threads: int = Field(2, ge=1, description="Threads of DuckDB")

    def scored_by_spark(self, records: int) -> bool:
        """Whether Spark scores the pairs of so many records.

        >>> MatchSettings(backend="auto", duckdb_up_to_records=10).scored_by_spark(11)
        True
        """
        return self.backend == "spark" or (self.backend == "auto" and records > self.duckdb_up_to_records)

    @field_validator("blocking")
    @classmethod
    def _reads_only_fields(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            check_columns(rule, FIELDS)
            check_row(rule)
        return rules

    @field_validator("training_blocks", "certain_blocks")
    @classmethod
    def _only_fields(cls, blocks: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        unknown = [name for block in blocks for name in block if name not in FIELDS]
        if unknown:
            raise ValueError(f"no field of a record: {', '.join(unknown)}; there are: {', '.join(FIELDS)}")
        return blocks


class Override(Section):
    """What a person decided about two identifiers; it survives every run."""

    decision: Literal["always", "never"] = Field(
        description="always joins the two, whatever guards say if each is one account's; never keeps them apart"
    )
    between: tuple[str, str] = Field(description="Two identifiers, each as namespace:value, e.g. crm:17")
    reason: str = Field("", description="Why, for those who come later")

    @field_validator("between")
    @classmethod
    def _named(cls, pair: tuple[str, str]) -> tuple[str, str]:
        for identifier in pair:
            namespace, colon, value = identifier.partition(":")
            if not (namespace and colon and value):
                raise ValueError(f"{identifier!r} is not namespace:value, e.g. crm:17")
        if pair[0] == pair[1]:
            raise ValueError(f"{pair[0]!r} is named twice; name two identifiers")
        return pair


def _frequent_names() -> dict[str, Survival]:
    return {"first_name": "most_frequent", "birth_date": "most_frequent"}


class Survivorship(Section):
    """Which of several values the golden record and the profile of a person take; a blank never wins over a value."""

    default: Survival = Field("most_recent", description="How fields not named in `fields` are chosen")
    fields: dict[str, Survival] = Field(
        default_factory=_frequent_names,
        description="Field: most_recent, most_frequent, most_trusted, or most_complete (from the record that tells most)",
    )
    trusted_sources: tuple[str, ...] = Field((), description="Sources for most_trusted, the most trusted first")
    partial_sources: tuple[str, ...] = Field(
        (),
        description="Sources whose records tell only what has changed: a blank of theirs takes nothing back of what they "
        "told before; elsewhere a new version of a record that leaves a demographic blank does",
    )

    def rule(self, field: str) -> Survival:
        """How the value of a field is chosen."""
        return self.fields.get(field, self.default)

    def trust(self, source: str) -> int:
        """A source's place among the trusted ones, 0 for the first; all others share the last."""
        trusted = self.trusted_sources
        return trusted.index(source) if source in trusted else len(trusted)

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, Survival]) -> dict[str, Survival]:
        known = (*FIELDS, *DEMOGRAPHICS)
        unknown = [name for name in fields if name not in known]
        if unknown:
            raise ValueError(f"no field of a record: {', '.join(unknown)}; {nearest(unknown[0], known)}")
        return fields


class IdentitySettings(Section):
    """conf/identity.yml."""

    calling_code: str = Field("1", description="Country calling code of phone numbers that are written without one")
    nicknames: dict[str, str] = Field(
        default_factory=dict, description="Short form: the first name that it stands for, both in small letters"
    )
    identifiers: dict[str, IdentifierKind] = Field(
        default_factory=lambda: {
            "login": IdentifierKind(links=True, per_person=1, persons=1),
            "loyalty_id": IdentifierKind(links=True, per_person=5, persons=1),
            "email": IdentifierKind(links=False, per_person=None, persons=5),
            "phone": IdentifierKind(links=False, per_person=None, persons=5),
            "device_id": IdentifierKind(links=False, per_person=None, persons=1),
            "cookie_id": IdentifierKind(links=False, per_person=None, persons=1),
        },
        description="Kind of identifier: how far it is trusted",
    )
    guards: GuardSettings = GuardSettings()
    matching: MatchSettings = MatchSettings()
    overrides: tuple[Override, ...] = Field((), description="Links that people decided on")
    survivorship: Survivorship = Survivorship()

    @field_validator("calling_code")
    @classmethod
    def _only_digits(cls, code: str) -> str:
        if not re.fullmatch(r"[1-9]\d{0,2}", code):
            raise ValueError("expected one to three digits without + or 00, e.g. '49'")
        return code

    @field_validator("nicknames")
    @classmethod
    def _as_names_are_compared(cls, names: dict[str, str]) -> dict[str, str]:
        odd = [name for pair in names.items() for name in pair if name != name.strip().lower() or not name.strip()]
        if odd:
            raise ValueError(f"{odd[0]!r} would meet nobody: names are compared in small letters and without blanks around")
        for short, name in names.items():
            if name in names:
                raise ValueError(chained(short, names))
        return names

    @field_validator("identifiers")
    @classmethod
    def _known_kinds(cls, kinds: dict[str, IdentifierKind]) -> dict[str, IdentifierKind]:
        unknown = [name for name in kinds if name not in IDENTIFIERS]
        if unknown:
            raise ValueError(f"no kind of identifier: {', '.join(unknown)}; {nearest(unknown[0], IDENTIFIERS)}")
        return kinds
