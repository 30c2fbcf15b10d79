"""Tokens that a vendor has issued, and how long they live."""


class IssuedTokens:
    """What was issued.

    Args:
        prefix: How every token begins.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ends: dict[str, float] = {}
        self.count = 0

    def issue(self, now: float, seconds: float) -> str:
        """Another token."""
        self.count += 1
        token = f"{self._prefix}{self.count}"
        self._ends[token] = now + seconds
        return token

    def lives(self, header: str, now: float) -> bool:
        """Whether an Authorization header bears a token that was issued and has not ended."""
        scheme, _, token = header.partition(" ")
        return scheme == "Bearer" and now < self._ends.get(token, 0.0)

    def expire(self) -> None:
        """End all of them."""
        self._ends.clear()
