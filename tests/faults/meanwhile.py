"""Something that goes on, again and again, in a thread of its own while a block runs."""

import threading
from contextlib import contextmanager


@contextmanager
def meanwhile(do, pause_s=0.0):
    over = threading.Event()

    def run():
        while not over.wait(pause_s):
            do()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
