"""Two keys of pseudonyms, the first of which is the older one."""

import pytest


def two_keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """References to both by their versions; their secrets are set."""
    monkeypatch.setenv("PERSONALAKE_SECRET_PSEUDONYMS_ONE", "old secret")
    monkeypatch.setenv("PERSONALAKE_SECRET_PSEUDONYMS_TWO", "new secret")
    return {"k1": "secret://pseudonyms/one", "k2": "secret://pseudonyms/two"}
