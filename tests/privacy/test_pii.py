"""The detector, and what it says of every declared column."""

import pytest

from personalake.privacy.pii import by_name, by_values, findings
from personalake.tables import ALL


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.full_name)
def test_every_declared_column_that_looks_like_personal_data_is_tagged(table: object) -> None:
    from personalake.tables import Table

    assert isinstance(table, Table)
    untagged = [(field.name, by_name(field.name)) for field in table.fields if field.pii is None and by_name(field.name)]

    assert untagged == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("billingEmail", "identifier"), ("GUEST-ZIP", "contact"), ("lastName2", "contact"), ("Date_of_Birth", "demographic"),
        ("customer_phone_number", "identifier"), ("homeAddress", "contact"), ("chat_transcript", "payload"),
        ("email_hash", "identifier"), ("payload_hash", None), ("email_campaign", None),
        ("mail", "identifier"), ("tel", "identifier"), ("userid", "identifier"), ("IMEI", "identifier"),
        ("national_id", "identifier"),
        ("customer_name", "contact"), ("postalcode", "contact"), ("store_lat", "contact"), ("lon", "contact"),
        ("birthdate", "demographic"), ("birth_day", "demographic"), ("salary", "demographic"), ("diagnosis", "demographic"),
        ("health_status", "demographic"), ("comments", "payload"),
        ("Vorname", "contact"), ("kundeNachname", "contact"), ("Straße", "contact"), ("PLZ", "contact"), ("Ort", "contact"),
        ("geburtsdatum", "demographic"), ("Anrede", "demographic"), ("Telefon", "identifier"), ("Mobil", "identifier"),
        ("Kontonummer", "identifier"), ("prénom", "contact"), ("correo", "identifier"), ("Empfänger", "contact"),
        ("campaign_name", None), ("name", None), ("Artikel", None), ("Menge", None), ("Betrag", None), ("sort", None),
        ("translation", None), ("mail_campaign", None),
        ("product_name", None), ("package_size", None), ("currency", None), ("page", None),
    ],
)  # fmt: skip
def test_a_name_is_read_by_its_words(name: str, kind: str | None) -> None:
    finding = by_name(name)

    assert (finding.pii if finding else None) == kind


@pytest.mark.parametrize(
    ("values", "kind", "what"),
    [
        (["a@b.example", "c.d@e.example", None, ""], "identifier", "e-mail"),
        (["+49 30 1234567", "(212) 555-0101", "030 / 1234 567"], "identifier", "phone"),
        (["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], "identifier", "IBAN"),
        (["4111 1111 1111 1111", "378282246310005"], "identifier", "card"),
        (["192.0.2.7", "2001:db8::1"], "identifier", "machines"),
        (["Anna", "Mehmet", "Jean-Luc Picard"], "contact", "names"),
        (["1961-04-12", "1999-12-31"], "demographic", "birth"),
        (["2125550101", "2125550102", "6465550199"], "identifier", "phone"),
        (["078-05-1120", "219-09-9999"], "identifier", "social security"),
        (["12 Oak Street", "5b Elm Ave, Springfield", "Hauptstraße 7", "12 rue de Rivoli"], "contact", "streets"),
        (["Smith, John", "Picard, Anna"], "contact", "names"),
        (["24.12.1980", "01/02/1975", "1961-04-12T00:00:00"], "demographic", "birth"),
        (["fine", "write to a@b.example please", *["no"] * 10], "payload", "texts"),
    ],
)
def test_values_are_known_by_their_shape_and_their_checksum(values: list[str | None], kind: str, what: str) -> None:
    finding = by_values("x", values)

    assert finding is not None
    assert finding.pii == kind
    assert what in finding.because


@pytest.mark.parametrize(
    "values",
    [
        ["4111 1111 1111 1112", "4000123412341235"],  # card numbers with a wrong checksum
        ["DE88370400440532013000"],
        ["12345", "0.99", "2024-05-01", "2025-01-31"],
        ["blue", "green", "Rose", "May"],
        ["4006381333931", "5901234123457"],  # article numbers (EAN)
        ["1.2.3", "10:30"],
        ["1700000001", "1700000002"],  # seconds since 1970
        ["2125550101", "1125550101", "9901550101", "17", "18"],
        ["Oak table", "3 chairs, oak", "Tea, green", "Main Street Collection"],
        ["24.12.2025", "01/02/2024"],
        [],
    ],
)
def test_what_only_resembles_personal_data_is_none(values: list[str]) -> None:
    assert by_values("x", values) is None


def test_a_finding_never_repeats_a_value() -> None:
    found = findings([{"a": "jane@secret.example", "b": 1, "guestEmail": None}])

    assert [(one.column, one.pii) for one in found] == [("a", "identifier"), ("guestEmail", "identifier")]
    assert "jane" not in repr(found)
