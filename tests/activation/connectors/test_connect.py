"""What a connection needs to be made, and what is said of one that cannot be."""

import pytest

from personalake.activation.connectors import connect
from personalake.errors import ConfigError
from tests.activation.connectors.settings import CONNECTION, SETTINGS
from tests.activation.doubles import FakeClock


@pytest.mark.parametrize("kind", ["segment", "braze_track", "onesignal", "tealium", "sfmc_rows", "webhook"])
@pytest.mark.parametrize("value", ["a token\n", "a token\r\n", "\na token", "a to\x00ken", "a to\x7fken"])
def test_a_secret_of_one_line_with_something_unseen_is_refused_before_anything_is_claimed(kind: str, value: str) -> None:
    connection = CONNECTION.validate_python({"kind": kind, **SETTINGS[kind]})

    with pytest.raises(ConfigError, match=r"crm: secret://.* set it again without") as raised:
        connect("crm", connection, FakeClock(), lambda reference: value)

    assert "token" not in str(raised.value).replace("secret://segment/token", "")


def test_a_key_of_several_lines_is_taken_as_it_is_and_one_that_cannot_be_read_is_not_shown() -> None:
    connection = CONNECTION.validate_python({"kind": "fcm", **SETTINGS["fcm"]})
    key = '{\n"client_email": "a@b.example",\n"private_key": "-----BEGIN KEY-----\\nTULJ",\n"token_uri": "https://x.example"\n}\n'

    with pytest.raises(ConfigError, match="push: a secret of it cannot be read") as raised:
        connect("push", connection, FakeClock(), lambda reference: key)

    assert "TULJ" not in str(raised.value)
    assert raised.value.__cause__ is None
