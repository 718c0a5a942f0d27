"""The kernel's interrupt as a wish to stop, which a training loop reads between two steps."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def noted_interrupt():
    """Yield an Event that the kernel's interrupt sets; only a second interrupt, in a step without end, is raised.

    An exception may hit any line: in 3 of 300 trials Python swallowed it, in the callback of a weak reference while
    matplotlib was drawing, and the training went on; in another one it left a picture that could not be drawn again.
    """
    noted = threading.Event()

    def note(*signal_and_frame):
        if noted.is_set():
            raise KeyboardInterrupt
        noted.set()

    if threading.current_thread() is not threading.main_thread():  # which alone receives signals
        yield noted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
