"""What destinations report back: of whom, of which delivery, and what follows from it."""

from personalake.activation.receipts.effects import engagements, suppressions, withdrawals
from personalake.activation.receipts.matching import matched
from personalake.activation.receipts.responses import responses
from personalake.activation.receipts.states import contested, news, settled

__all__ = ["contested", "engagements", "matched", "news", "responses", "settled", "suppressions", "withdrawals"]
