#!/usr/bin/env python3
# A chat server as somebody writes it on the first weekend, with PROTOCOL.md read once: a thread for each client, which
# waits for a line and does what it says, and a lock around all that. Among friends it works. What it has to learn:
#
# Fails: chat: a reader that does not keep up gets the end of its connection, and the room hears that it has left
# Fails: chat: a reader that does not keep up is dropped, and nobody else notices
# Fails: chat: 100 who do not read are dropped at their bound, and 10 who do read on
# Fails: chat: who asks for much and reads nothing is made to wait, and nobody else
#     sendall() waits for one client that does not read, and holds the lock meanwhile: everybody waits, for ever.
# Fails: chat: who closes or resets is said to have left, and disturbs nobody
# Fails: chat: a reset while it is written to disturbs nobody
#     A reset raises ConnectionResetError, which ends the thread before it says who has left. The name stays in the room as
#     a ghost, and the next one that says something there gets BrokenPipeError, which ends that thread, too.
# Fails: chat: telnet's commands are no text; its requests are refused politely
# Fails: chat: the last line counts also if a torn telnet command stands behind it
# Fails: chat: control characters and broken UTF-8 reach nobody's terminal
# Fails: chat: marks that turn the direction, end the line, or hide text, reach nobody's terminal; joiners and emoji stay
#     Bytes that are no UTF-8 raise UnicodeDecodeError, which ends the thread; all else is passed on as it came.
# Fails: chat: a line has at most 1024 bytes, a longer one is refused as a whole
#     A line has no limit, and whoever sends no LF fills the memory.
# Fails: chat: CR NUL ends a line, too, in one piece or two; a CR alone is thrown away
# Fails: chat: nobody can speak for the server, or for somebody else
#     To makefile(), which opens it as text, a CR alone is the end of a line, and a NUL is text.
# Fails: chat: a name has 1 to 32 bytes: letters of any script, digits, - and _
# Fails: chat: no name has a character in it that nobody can see
#     It counts characters and not bytes, strip() takes blanks away that should be refused, and -_- is a name.
# Fails: chat: /msg reaches one person, in any room, and is marked as private
#     split() and join() make one blank of two: people's words are changed.
# Fails: chat: /quit and telnet's Ctrl-D hang up, and the room hears of it at once
#     Ctrl-D comes as byte 04, and is no /quit here.
# Fails: chat: SIGTERM ends it within a second, and everybody's connection with it
#     Nobody has said what SIGTERM means, so it kills the program: exit code 143 (128 + 15) instead of 0.
# Perhaps: chat: storms of joins and leaves lose nobody
#     The same, if one is reset just while somebody writes to it.
# Perhaps: chat: 900 in one room, and everyone gets every line once and in order
# Perhaps: chat: 900 in one room, 100 of them stalled, and the others get every line
#     900 threads wait for one lock, and each line is 899 calls of sendall(): on a busy machine that takes too long.
import socket
import sys
import threading

clients = {}  # connection: [name, room]
lock = threading.Lock()  # for all that looks at them


def say_room(connection, text):
    count = 0
    for other in clients:
        if other is not connection and clients[other][1] == clients[connection][1]:
            other.sendall(text.encode())
            count += 1
    return count


def leave(connection):
    say_room(connection, "* %s left\n" % clients[connection][0])
    del clients[connection]
    connection.close()


def do_command(connection, words):
    me = clients[connection]
    command, argument = words[0], " ".join(words[1:])
    if command in ("/nick", "/join", "/all", "/echo") and not argument:
        kind = {"/nick": "NAME", "/join": "ROOM"}.get(command, "TEXT")
        connection.sendall(("* usage: %s %s\n" % (command, kind)).encode())
    elif command == "/nick":
        if argument.startswith("guest") or argument in [name for name, room in clients.values()]:
            connection.sendall(("* the name %s is taken\n" % argument).encode())
        elif len(argument) > 32 or not argument.replace("-", "").replace("_", "").isalnum():
            connection.sendall(b"* a name is 1 to 32 bytes of letters, digits, - and _\n")
        else:
            say_room(connection, "* %s is now %s\n" % (me[0], argument))
            me[0] = argument
            connection.sendall(("* you are now %s\n" % argument).encode())
    elif command == "/join" or command == "/leave":
        room = argument if command == "/join" else "lobby"
        if len(room) > 32 or not room.replace("-", "").replace("_", "").isalnum():
            connection.sendall(b"* a name is 1 to 32 bytes of letters, digits, - and _\n")
            return
        if room != me[1]:
            say_room(connection, "* %s left\n" % me[0])
            me[1] = room
            say_room(connection, "* %s joined\n" % me[0])
        connection.sendall(("* you are in %s\n" % room).encode())
    elif command == "/rooms":
        rooms = [room for name, room in clients.values()]
        for room in sorted(set(rooms)):
            connection.sendall(("* %d in %s\n" % (rooms.count(room), room)).encode())
    elif command == "/who":
        for name, room in clients.values():
            if room == me[1]:
                connection.sendall(("* %s is here\n" % name).encode())
    elif command == "/msg":
        if len(words) < 3:
            connection.sendall(b"* usage: /msg NAME TEXT\n")
            return
        for other in clients:
            if clients[other][0] == words[1]:
                other.sendall(("%s (private): %s\n" % (me[0], " ".join(words[2:]))).encode())
                return
        connection.sendall(("* there is nobody called %s\n" % words[1]).encode())
    elif command == "/all":
        for other in clients:
            other.sendall(("%s (to all): %s\n" % (me[0], argument)).encode())
    elif command == "/echo":
        connection.sendall(("%s (echo): %s\n" % (me[0], argument)).encode())
    elif command == "/help":
        connection.sendall(HELP.encode())
    else:
        connection.sendall(("* there is no %s, see /help\n" % command).encode())


HELP = """\
* /nick  NAME       change your name
* /join  ROOM       go to a room, or open a new one
* /leave            go back to the lobby
* /rooms            see how many are in which room
* /who              see who is in this room
* /msg   NAME TEXT  tell one person
* /all   TEXT       tell everybody in all rooms
* /echo  TEXT       tell yourself
* /help             see this list
* /quit             hang up
"""


def serve(connection, port):
    with lock:
        clients[connection] = ["guest%d" % port, "lobby"]
        say_room(connection, "* guest%d joined\n" % port)
        connection.sendall(("* welcome to the lobby, guest%d; /help shows what you can do\n" % port).encode())
    for line in connection.makefile():
        line = line.strip()
        if line == "/quit":
            break
        with lock:
            if line.startswith("/"):
                do_command(connection, line.split())
            elif line and say_room(connection, "%s: %s\n" % (clients[connection][0], line)) == 0:
                connection.sendall(("* nobody else is in %s\n" % clients[connection][1]).encode())
    with lock:
        leave(connection)


listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])))
listener.listen()
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    connection, address = listener.accept()
    threading.Thread(target=serve, args=(connection, address[1])).start()
