"""What `make docs` makes is as committed; when this fails, run `make docs` and read the difference."""

from pathlib import Path

from personalake.config import Settings, load_settings
from personalake.config.base import Section
from personalake.config.connection_guide import guide, kinds
from personalake.config.connections import CsvDropConnection
from personalake.config.maintenance import MaintenanceSettings
from personalake.config.privacy import PrivacySettings
from personalake.config.reference import reference
from personalake.ingestion.contract_guide import contract_guide
from personalake.ingestion.contracts import CONTRACTS
from personalake.privacy.data_map import data_map, recipients
from personalake.privacy.impact_assessment import impact_assessment
from personalake.privacy.masking import protection
from personalake.tables import BY_NAME, Field, Table
from personalake.tables.dictionary import dictionary

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_table_dictionary_is_what_the_declarations_say() -> None:
    assert (DOCS / "tables.md").read_text(encoding="utf-8") == dictionary()


def test_the_settings_reference_is_what_the_models_say() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == reference()


def test_the_page_on_destinations_is_what_the_connections_say() -> None:
    text = (DOCS / "destinations.md").read_text(encoding="utf-8")

    assert text == guide()
    for kind, model in kinds().items():
        assert f"### {kind}\n" in text
        assert f"Guarantee: {model.promise.guarantee}." in text


def test_the_page_on_contracts_names_every_field_with_its_meaning_and_every_rule() -> None:
    text = (DOCS / "contracts.md").read_text(encoding="utf-8")

    assert text == contract_guide()
    for name, contract in CONTRACTS.items():
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        assert all(f"| `{rule.name}` |" in section for rule in (*contract.expectations, *contract.references)), name
        for field in contract.fields:
            line = next(line for line in section.splitlines() if line.startswith(f"| `{field.name}` |"))
            assert ("| required |" in line) == field.required, line
            assert line.split(" | ")[-1].strip("| "), line


def test_the_data_map_the_assessment_and_the_grants_are_what_tags_and_settings_say() -> None:
    settings = load_settings("local")

    assert (DOCS / "data-map.md").read_text(encoding="utf-8") == data_map(settings)
    assert (DOCS / "privacy-impact-assessment.md").read_text(encoding="utf-8") == impact_assessment(settings)
    script = DOCS.parent / "resources" / "protect_tables.sql"
    assert script.read_text(encoding="utf-8") == protection(settings.privacy.access)


def test_the_data_map_names_every_personal_column_its_retention_and_its_recipients() -> None:
    settings = load_settings("local")
    guest = Table(
        "gold", "guest", "One guest", ("person_id",),
        (Field("person_id", "string", "Who"), Field("mail", "string", "Address", pii="identifier", purposes=("email",)),
         Field("visits", "bigint", "Visits")),
        retention_days=90, aged_by="seen_at",
    )  # fmt: skip

    text = data_map(settings, [guest, Table("gold", "figure", "One sum", (), (Field("sum", "bigint", "Sum"),))])

    assert "| `gold.guest` | One guest | person id, identifier | 90 days after `seen_at` |" in text
    assert "| `mail` | identifier | Address | email |" in text
    assert "`visits`" not in text
    assert "gold.figure" not in text
    assert all(f"| `{name}` |" in text for name, it in settings.destinations.items() if it.enabled)


def test_a_sync_that_is_on_is_a_recipient_and_one_that_is_off_is_none(tmp_path: Path) -> None:
    told = {
        "audience": {"where": "orders > 1"}, "destination": "ads", "purposes": ["ad_sharing", "personalisation"],
        "key": {"source": "email", "hashing": "sha256_email"}, "fields": {"likes": "favourite_category"},
    }  # fmt: skip
    on = Settings(
        connections={"ads": CsvDropConnection(folder=tmp_path, columns=("id", "likes"))},
        audiences={"loyal": told, "off": {**told, "enabled": False}},  # type: ignore[dict-item]
    )

    row = (
        "`ads`, by the sync `loyal`",
        "email, sha256_email",
        "`likes` (favourite_category)",
        "ad_sharing, personalisation",
    )
    assert list(recipients(on)) == [row]
    wanted = on.model_copy(update={"privacy": PrivacySettings(purposes=("ad_sharing", "sale", "sharing"))})
    assert "| ad_sharing | none | none | `ads`, by the sync `loyal` |" in impact_assessment(wanted)
    assert list(recipients(on.model_copy(update={"connections": {}}))) == []


def test_the_assessment_is_unsigned_and_names_every_declared_purpose() -> None:
    settings = load_settings("local")
    text = impact_assessment(settings)

    assert all(f"\n| {purpose} |" in text for purpose in settings.privacy.purposes)
    assert "| Data protection officer |  |  |  |" in text


def test_the_assessment_says_what_is_on_and_what_is_not(tmp_path: Path) -> None:
    told = {
        "audience": {"where": "orders > 1"}, "destination": "ads", "purposes": ["personalisation"], "key": "pseudonym",
        "min_people": 70,
    }  # fmt: skip
    bare = load_settings("local")
    secured = Settings.model_validate(
        {
            "environment": "prod", "catalog": "shop", "erasure": {"key": "secret://e/k"},
            "connections": {"ads": {"kind": "csv_drop", "folder": str(tmp_path), "columns": ["id"]}},
            "audiences": {"loyal": told}, "maintenance": {"retention_days": {"gold.decision": 400}, "landed_days": 30},
            "privacy": {"pseudonyms": {"keys": {"k7": "secret://p/k7"}, "current": "k7"},
                        "encryption": {"keys": {"m3": "secret://v/m3"}, "current": "m3"}},
        }
    )  # fmt: skip

    off, on = impact_assessment(bare), impact_assessment(secured)

    for lack in (
        ": no key (`privacy.pseudonyms`)",
        ": without a catalog",
        ": raw payloads are clear text",
        " in the environment",
    ):
        assert f"**Not set**{lack}" in off
        assert f"**Not set**{lack}" not in on
    assert "`braze` (customer_id), `email_csv` (customer_id)" in off
    assert "key version `k7`; under keyed names: `ads`, by the sync `loyal` (pseudonym)" in on
    assert "| required; what would travel in clear text is refused at the start |" in on
    assert "on, by the master key `m3`" in on
    assert "least audience of syncs: `loyal` 70" in on
    assert "landed files after 30 days; ages of your own: `gold.decision` 400 days" in on
    assert "receipts under a configured key" in on
    assert "**Not set**: `privacy.purposes` names none" in on


def test_the_data_map_names_files_and_folders_too_each_with_its_age() -> None:
    bare = load_settings("local")
    own = bare.model_copy(update={"maintenance": MaintenanceSettings(retention_days={"gold.decision": 400}, landed_days=30)})

    rows = [line for line in data_map(bare).splitlines() if line.startswith("| `")]
    changed = data_map(own)

    wanted = (
        *("`landing/orders/`", "`landing/orders/_rejected/`", "`lakehouse/_inbox/`", "`lakehouse/_checkpoints/`"),
        *("`lakehouse/_logs/`", "`lakehouse/mlflow/`", "`exports/braze/`", "`access/`", "`report/`"),
    )
    assert all(any(row.startswith(f"| {place} |") for row in rows) for place in wanted)
    assert any("`landing/orders/`" in row and "730 days" in row for row in rows)
    assert "as it wrote them | 30 days after they were let in" in changed
    assert "| 400 days after `as_of` |" in changed


def test_the_dictionary_names_every_table_and_column() -> None:
    text = dictionary()

    for name, table in BY_NAME.items():
        section = text.split(f"### {name}\n")[1].split("\n### ")[0]
        assert all(f"| `{column}` |" in section for column in table.columns), name


def test_a_column_shows_its_meaning_its_personal_data_and_its_purposes() -> None:
    table = Table(
        "gold", "guest", "One guest", ("guest_id",),
        (Field("guest_id", "string", "The guest | never null", pii="identifier", purposes=("email", "push")),),
    )  # fmt: skip

    text = dictionary([table])

    assert "### gold.guest\n\nOne guest. Key: `guest_id`.\n" in text
    assert "| `guest_id` | `string` | The guest \\| never null | identifier | email, push |" in text


def test_a_setting_shows_its_type_default_bounds_and_meaning() -> None:
    from pydantic import Field as Setting

    class Inner(Section):
        """Inside."""

        share: float = Setting(0.5, ge=0, le=1, description="A share")

    class Outer(Section):
        """Outside."""

        day: str | None = Setting(None, description="A <day>")
        inner: Inner = Inner()
        many: dict[str, Inner] = Setting(default_factory=dict, description="Several")

    text = reference(Outer)

    assert "| `day` | text |  | A &lt;day> |" in text
    assert "| `many` | section by name |  | Several |" in text
    assert "## `inner`\n\nInside.\n" in text
    assert "## `many.<name>`" in text
    assert "| `share` | number | `0.5` | A share (at least 0, at most 1) |" in text


def test_every_setting_says_what_it_means() -> None:
    for line in reference().splitlines():
        if line.startswith("| `"):
            assert line.split(" | ")[-1].strip("| "), line


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))
