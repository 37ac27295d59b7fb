"""Clients that do the same again and again while servers come and go."""

import threading
import time

import psycopg

#: Tells which server answers: each has its own.
WHERE = "SELECT inet_server_port()"


class Traffic(threading.Thread):
    """One client that does the same again and again, and notes what comes of it; connects anew when it has to."""

    not_stopped: list = []  #: what a test that failed has left

    def __init__(self, connect, work) -> None:
        super().__init__(daemon=True)
        self._connect = connect
        self._work = work
        self._ended = threading.Event()
        self.done: list = []  # (when, result)
        self.errors: list = []  # (when, error)

    def start(self) -> None:
        self.not_stopped.append(self)
        super().start()

    def run(self) -> None:
        number = 0
        connection = None
        while not self._ended.is_set():
            number += 1
            try:
                connection = connection or self._connect()
                self.done.append((time.monotonic(), self._work(connection, number)))
            except psycopg.Error as error:
                self.errors.append((time.monotonic(), error))
                if connection:
                    connection.close()
                connection = None
        if connection:
            connection.close()

    def stop(self) -> None:
        self._ended.set()
        self.not_stopped.remove(self)
        self.join(30)
        assert not self.is_alive()

    def goes_on(self, since: float) -> bool:
        """Whether something has been done after this moment."""
        return bool(self.done) and self.done[-1][0] > since

    def longest_gap(self) -> float:
        times = [when for when, _ in self.done]
        return max(after - before for before, after in zip(times, times[1:]))


def insert(connection, number):
    connection.execute("INSERT INTO log (n) VALUES (%s)", (number,))


def read(connection, number):
    return connection.execute("SELECT count(*) FROM log").fetchone()[0]
