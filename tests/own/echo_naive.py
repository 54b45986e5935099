#!/usr/bin/env python3
# An echo server as somebody writes it on the first day: a thread for each client, and recv() and sendall() in a loop.
# For a few friendly clients it works, and it waits for nobody: a client that is silent, or does not read, keeps only its
# own thread. What it has to learn is what happens on a bad day:
#
# Fails: echo: out of descriptors it refuses newcomers, serves the others, and recovers
# Fails: echo: a full house costs no CPU while nobody speaks
#     When no descriptor is left, accept() raises OSError. Nobody catches it, so nobody accepts any more: newcomers hang.
# Fails: echo: it starts again at once after a stop with clients connected
#     Without SO_REUSEADDR, bind() says "Address already in use" as long as old connections are in TIME-WAIT: a minute.
# Fails: echo: SIGTERM is heard even when the clients leave it no rest
#     Nobody has said what SIGTERM means, so it kills the program: exit code 143 (128 + 15) instead of 0.
import socket
import sys
import threading


def serve(connection):
    while True:
        data = connection.recv(4096)
        if not data:
            break
        connection.sendall(data)
    connection.close()


listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])))
listener.listen()
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    connection, address = listener.accept()
    threading.Thread(target=serve, args=(connection,)).start()
