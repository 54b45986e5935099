#!/usr/bin/env python3
# An echo server in Python, written from what 01-echo/README.md asks of "a server of your own", and nothing else. It
# passes every check of tests/01-echo.bats that it is asked (tests/own.bats looks).
import argparse
import errno
import os
import selectors
import signal
import socket
import sys

IN_MAX = 65536  # bytes that a client may be owed; with so many it is not read from until it has read some itself

selector = selectors.DefaultSelector()


class Client:
    """One connection: what it is owed, and whether it has finished sending."""

    def __init__(self, connection):
        self.connection = connection
        self.owed = bytearray()
        self.finished = False
        selector.register(connection, selectors.EVENT_READ, self)

    def close(self):
        selector.unregister(self.connection)
        self.connection.close()

    def watch(self):
        """Asks for "readable" while there is room, and for "writable" while something is owed; or hangs up."""
        events = 0
        if not self.finished and len(self.owed) < IN_MAX:
            events |= selectors.EVENT_READ
        if self.owed:
            events |= selectors.EVENT_WRITE
        if events:
            selector.modify(self.connection, events, self)
        else:
            self.close()

    def on_event(self, events):
        try:
            if events & selectors.EVENT_READ:
                data = self.connection.recv(IN_MAX)
                self.finished = not data
                self.owed += data
            if self.owed:
                del self.owed[: self.connection.send(self.owed)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # the peer is gone
            self.close()
            return
        self.watch()


class Listener:
    """Accepts newcomers. With no descriptor left, a spare one is given up to accept and refuse them."""

    def __init__(self, port):
        self.spare = os.open(os.devnull, os.O_RDONLY)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(1024)
        self.socket.setblocking(False)
        selector.register(self.socket, selectors.EVENT_READ, self)

    def on_event(self, events):
        try:
            self.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.refuse()

    def accept(self):
        connection, _ = self.socket.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Client(connection)

    def refuse(self):
        os.close(self.spare)
        try:
            self.socket.accept()[0].close()
        except OSError:
            pass
        self.spare = os.open(os.devnull, os.O_RDONLY)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", dest="port", type=int, default=3200)
    port = parser.parse_args().port
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: sys.exit(0))
    listener = Listener(port)
    print("listening on %s:%d" % listener.socket.getsockname(), file=sys.stderr, flush=True)
    while True:
        for key, events in selector.select():
            key.data.on_event(events)


main()
