"""Frames of text as they go out, whole and at once (RFC 6455, 5.2): the one thing that is sent thousands of times a second."""

from __future__ import annotations

import os
import struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # its C extension was not built for this machine
    from websockets.utils import apply_mask

_FINAL_TEXT = 0x81
_MASKED = 0x80
_POOL_BYTES = 4096


def unmasked_text(message: bytes) -> bytes:
    """A whole text frame, as a server sends it."""
    return _header(len(message), 0) + message


class Masking:
    """Masks frames, as a client must; the masks cannot be foretold (RFC 6455, 5.3).

    The system's randomness is drawn for a thousand frames at a time: a system call for each would cost
    as much as the masking.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def text(self, message: bytes) -> bytes:
        """A whole text frame, as a client sends it."""
        used = self._used
        if used >= len(self._pool):
            self._pool = os.urandom(_POOL_BYTES)
            used = 0
        self._used = used + 4
        mask = self._pool[used : used + 4]
        return b"".join((_header(len(message), _MASKED), mask, apply_mask(message, mask)))


def _header(length: int, masked: int) -> bytes:
    if length < 126:
        return bytes((_FINAL_TEXT, masked | length))
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, masked | 126, length)
    return struct.pack("!BBQ", _FINAL_TEXT, masked | 127, length)
