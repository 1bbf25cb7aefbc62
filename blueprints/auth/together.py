"""One question to the database for all who ask at the same time.

After an outage or a deploy thousands of pages come back within seconds, each with the same question: who am I?
"""

import threading
from time import sleep


class Together:
    """`ask(keys)`, which gives {key: answer}, as a question about one key.

    Whoever comes first waits for nobody: it only lets those run who are ready to, and asks for all that have come
    by then. So an answer is never older than its question, and one who is alone asks alone.
    """

    def __init__(self, ask):
        self._ask, self._lock, self._next = ask, threading.Lock(), None

    def __call__(self, key):
        """The answer, or None where there is none. An error of the question is everybody's."""
        asked, first = self._join(key)
        if first:
            self._answer(asked)
        asked.done.wait()
        if asked.error:
            raise asked.error
        return asked.answers.get(key)

    def _join(self, key):
        with self._lock:
            first = self._next is None
            if first:
                self._next = _Question()
            self._next.keys.add(key)
            return self._next, first

    def _answer(self, asked):
        try:
            sleep(0)  # under gevent a turn of the others, in threads too
            self._close(asked)
            asked.answers = self._ask(asked.keys)
        except BaseException as error:
            asked.error = error
            raise
        finally:
            self._close(asked)  # also when its thread was ended while it let others run
            asked.done.set()

    def _close(self, asked):
        """Whoever comes from here on shares the next question."""
        with self._lock:
            if self._next is asked:
                self._next = None


class _Question:
    def __init__(self):
        self.keys, self.answers, self.error, self.done = set(), {}, None, threading.Event()
