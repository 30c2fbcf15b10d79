"""Many texts that are looked for at once: by four bytes of each, in all places together."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_WORD, _BITS = 4, 20


class Marks:
    """Many texts that are looked for at once: where any of them may begin is told by four bytes, for all bytes together.

    Args:
        marks: The texts.
        is_folded: Whether capitals and small letters are the same; the texts are in small ones.
    """

    def __init__(self, marks: Iterable[bytes], is_folded: bool = False) -> None:
        self._is_folded = is_folded
        self._beginning: dict[bytes, list[bytes]] = {}
        self._short = list[bytes]()
        for mark in sorted(marks):
            if len(mark) < _WORD:
                self._short.append(mark)
            else:
                self._beginning.setdefault(mark[:_WORD], []).append(mark)
        self._may_begin = np.zeros(1 << _BITS, dtype=bool)
        self._may_begin[_places(b"".join(self._beginning))] = True

    def standing_in(self, content: bytes) -> set[bytes]:
        """Those that are part of the content."""
        looked_in = content.lower() if self._is_folded else content
        found = {mark for mark in self._short if mark in looked_in}
        for shift in range(_WORD if self._beginning else 0):
            for word in np.flatnonzero(self._may_begin[_places(looked_in, shift)]).tolist():
                place = shift + _WORD * word
                for mark in self._beginning.get(looked_in[place : place + _WORD], ()):
                    if looked_in.startswith(mark, place):
                        found.add(mark)
        return found


def _places(content: bytes, shift: int = 0) -> npt.NDArray[np.int64]:
    """A place in a table for each word of four bytes, from some byte on."""
    words = np.frombuffer(content, dtype="<u4", count=max(0, len(content) - shift) // _WORD, offset=min(shift, len(content)))
    return (words * np.uint32(2_654_435_761) >> np.uint32(32 - _BITS)).astype(np.int64)
