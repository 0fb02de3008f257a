"""Ctrl-C between updates, and not within one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted(wanted: bool) -> Iterator[None]:
    """Inside the block a first Ctrl-C waits for its end; a second one does not.

    Only in the main thread, the one that is interrupted, and only where Ctrl-C
    raises KeyboardInterrupt (in a notebook: "interrupt the kernel").
    """
    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and signal.getsignal(signal.SIGINT) is _DEFAULT):
        yield
        return
    pending = False

    def wait(number, frame):
        nonlocal pending
        if pending:
            _DEFAULT(number, frame)
        pending = True

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _DEFAULT)
    if pending:
        raise KeyboardInterrupt


_DEFAULT = signal.default_int_handler
