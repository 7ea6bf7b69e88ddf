"""OpenSSL on a socket that never blocks: what pyOpenSSL's bindings have, and its methods lack.

`SSL.Connection` raises an exception for each time there is nothing to read, which costs more
than the reading.  And it leaves OpenSSL's queue of errors as it finds it, of which there is one
per thread: what one connection left there would be among the faults of the next.
Sources: OpenSSL's manual, SSL_get_error(3), SSL_write(3), SSL_shutdown(3).
"""

from __future__ import annotations

from OpenSSL import SSL

_lib, _ffi = SSL._lib, SSL._ffi  # type: ignore[attr-defined]
_clear, _get_error = _lib.ERR_clear_error, _lib.SSL_get_error
_read, _write = _lib.SSL_read, _lib.SSL_write
_WAITS = (_lib.SSL_ERROR_WANT_READ, _lib.SSL_ERROR_WANT_WRITE)

#: The most bytes that a record of TLS carries (RFC 8446, 5.1).
RECORD = 16_384
#: Where all connections read to, one record at a time: each takes its bytes at once.
_INPUT = _ffi.new("char[]", RECORD)
_buffer = _ffi.buffer


class TLSSocket(SSL.Connection):
    """A connection whose methods do what the socket allows, and say when it has to wait.

    After one that has to wait, ``want_read()`` and ``want_write()`` say what for.  They raise
    `SSL.Error`, and behind that, but for `SSL.ZeroReturnError`, no other may be called.
    """

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is complete."""
        _clear()
        result: int = _lib.SSL_do_handshake(self._ssl)
        if result <= 0:
            self._must_wait(result)
        return result > 0

    def receive(self) -> bytes | None:
        """Return the bytes of one record, or ``None``: it has to wait.

        Raises `SSL.ZeroReturnError` when the peer has ended its output.
        """
        _clear()
        count = _read(self._ssl, _INPUT, RECORD)
        if count > 0:
            return _buffer(_INPUT, count)[:]  # type: ignore[no-any-return]
        self._must_wait(count)
        return None

    def transmit(self, data: bytes) -> int:
        """Write the beginning of ``data``, at most one record; return how much, 0: it has to wait.

        Then the next call must have data that begin with these.
        """
        _clear()
        count: int = _write(self._ssl, data, len(data))
        if count > 0:
            return count
        self._must_wait(count)
        return 0

    def end(self) -> bool:
        """End the output with a close_notify; return whether that has left."""
        _clear()
        result: int = _lib.SSL_shutdown(self._ssl)
        if result < 0:
            self._must_wait(result)
        return result >= 0

    def _must_wait(self, result: int) -> None:
        """Raise `SSL.Error`, unless the call with this result only has to wait."""
        if _get_error(self._ssl, result) not in _WAITS:
            self._raise_ssl_error(self._ssl, result)
