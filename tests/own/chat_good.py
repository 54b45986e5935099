#!/usr/bin/env python3
# A chat server in Python, written from 02-group-chat/PROTOCOL.md and nothing else. It passes every check of
# tests/02-chat.bats that it is asked (tests/own.bats looks).
import argparse
import codecs
import collections
import re
import selectors
import signal
import socket
import sys
import time

LINE_MAX = 1024  # bytes of a line
NAME_MAX = 32  # bytes of a name
READ_MAX = 4096  # bytes that one recv() brings
OUT_LOW = 16384  # bytes owed to a client; with more, its next lines wait
OUT_EARLY = 32768  # bytes owed to a client that are written before the end of the turn
OUT_MAX = 65536  # bytes owed to a client; one that would be owed more is too slow
LINES_A_TURN = 64  # of one client, so that the others get their turn
LINGER = 2  # seconds that a client has to close, too

HELP = """* /nick  NAME       change your name
* /join  ROOM       go to a room, or open a new one
* /leave            go back to the lobby
* /rooms            see how many are in which room
* /who              see who is in this room
* /msg   NAME TEXT  tell one person
* /all   TEXT       tell everybody in all rooms
* /echo  TEXT       tell yourself
* /help             see this list
* /quit             hang up"""
NEEDED = {"/nick": "NAME", "/join": "ROOM", "/msg": "NAME TEXT", "/all": "TEXT", "/echo": "TEXT"}

# ---- Text and names

HARMFUL = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
NAME = re.compile(
    "(?:[A-Za-z0-9_-]|[^\x00-\xbf\u2000-\u206f\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2800\u3000"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff])+"
)
codecs.register_error("a ? a byte", lambda error: ("?", error.start + 1))


def clean(line):
    """Turns the bytes of a line into text that harms no terminal."""
    text = line.decode("utf-8", "a ? a byte")
    return HARMFUL.sub(lambda found: "?" * len(found[0].encode()), text)


def is_name(text):
    return len(text.encode()) <= NAME_MAX and NAME.fullmatch(text) is not None


class Telnet:
    """Takes telnet's commands out of what a client sends, however it is cut, and answers them."""

    def __init__(self):
        self.command = b""  # as much of one as has come; of a long one only FF FA, and perhaps a last FF

    def take(self, data):
        """Returns the text in these bytes, and the answers."""
        if not self.command and b"\xff" not in data:
            return data, b""
        text, answers = bytearray(), bytearray()
        for byte in data:
            if self.command:
                answers += self.go_on(byte)
            elif byte == 0xFF:
                self.command = b"\xff"
            else:
                text.append(byte)
        return bytes(text), bytes(answers)

    def go_on(self, byte):
        before, self.command = self.command, b""
        if before == b"\xff":
            if 0xFA <= byte <= 0xFE:
                self.command = bytes([0xFF, byte])
        elif before == b"\xff\xfa\xff":
            if byte != 0xF0:
                self.command = b"\xff\xfa"
        elif before == b"\xff\xfa":
            self.command = before + b"\xff" if byte == 0xFF else before
        elif before == b"\xff\xfb":
            return bytes([0xFF, 0xFE, byte])
        elif before == b"\xff\xfd":
            return bytes([0xFF, 0xFC, byte])
        return b""


# ---- Clients

selector = selectors.DefaultSelector()
people = {}  # by descriptor, in the order in which they came
names = {}  # name: person
owed = set()  # those who are to be written to at the end of the turn
unheard = set()  # those with lines that wait for the next turn
gone = []  # those whose connection has ended in this turn


class Person:
    def __init__(self, connection, port):
        self.connection = connection
        self.events = selectors.EVENT_READ
        self.telnet = Telnet()
        self.after_cr = False
        self.input = bytearray()  # text that is not yet a line
        self.too_long = False
        self.finished = False  # FIN has come
        self.output = bytearray()
        self.blocked = False  # the kernel has taken less than there was
        self.leaving = False  # after /quit
        self.linger_until = None  # our FIN is sent; the time at which we stop to wait for the other one
        self.gone = False
        self.room = None
        while "guest%d" % port in names:
            port += 1
        self.name = "guest%d" % port
        names[self.name] = self

    # -- Bytes

    def send(self, data):
        if self.leaving or self.gone:
            return
        if len(self.output) + len(data) > OUT_MAX:
            self.blocked = False  # perhaps it has read meanwhile: ask the kernel once more
        if len(self.output) > OUT_EARLY:
            self.flush()
        if len(self.output) + len(data) > OUT_MAX:
            self.hang_up()
            return
        self.output += data
        owed.add(self)

    def flush(self):
        if self.output and not self.blocked and not self.gone:
            try:
                sent = self.connection.send(self.output)
                self.blocked = sent < len(self.output)
                del self.output[:sent]
            except BlockingIOError:
                self.blocked = True
            except OSError:
                self.hang_up()

    def receive(self):
        try:
            data = self.connection.recv(READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            self.hang_up()
            return
        self.finished = not data
        if self.leaving:
            return
        text, answers = self.telnet.take(data)
        if answers:
            self.send(answers)
        if self.after_cr and text:
            text = b"\r" + text
            self.after_cr = False
        if text.endswith(b"\r"):
            self.after_cr = True
        self.input += text.replace(b"\r\0", b"\n").replace(b"\r", b"")
        if self.finished and (self.input or self.too_long):
            self.input += b"\n"  # the last line counts without its end

    def hang_up(self):
        if not self.gone:
            self.gone = True
            gone.append(self)

    # -- Lines

    def hear(self):
        """Does what some lines say; a client that does not read what it is owed has to wait."""
        unheard.discard(self)
        for _ in range(LINES_A_TURN):
            if self.leaving or self.gone or len(self.output) > OUT_LOW or not self.hear_line():
                return
        unheard.add(self)

    def hear_line(self):
        if self.input.startswith(b"\x04") and not self.too_long:
            self.quit()
            return True
        end = self.input.find(b"\n")
        if end < 0:
            if len(self.input) > LINE_MAX:
                self.too_long = True
            if self.too_long:
                self.input.clear()
            return False
        line = bytes(self.input[:end])
        del self.input[: end + 1]
        if self.too_long or end > LINE_MAX:
            self.too_long = False
            self.tell("* that line is over %d bytes, nobody got it" % LINE_MAX)
        else:
            self.do(clean(line))
        return True

    def do(self, text):
        if text.startswith("/"):
            word, _, argument = text.partition(" ")
            self.do_command(word, argument.lstrip(" "))
        elif text.strip(" \t"):
            if self.tell_others("%s: %s" % (self.name, text)) == 0:
                self.tell("* nobody else is in " + self.room)

    def do_command(self, word, argument):
        run = COMMANDS.get(word)
        if run is None:
            self.tell("* there is no %s, see /help" % word)
        elif word in NEEDED and not argument:
            self.usage(word)
        elif word in NEEDED:
            run(self, argument)
        else:
            run(self)

    # -- Words

    def tell(self, text):
        self.send(text.encode() + b"\n")

    def tell_others(self, text):
        """Returns how many there are."""
        data, count = text.encode() + b"\n", 0
        for other in people.values():
            if other.room == self.room and other is not self:
                other.send(data)
                count += 1
        return count

    def usage(self, word):
        self.tell("* usage: %s %s" % (word, NEEDED[word]))

    def move(self, room):
        if room == self.room:
            return
        if self.room is not None:
            self.tell_others("* %s left" % self.name)
        self.room = room
        if room is None:
            del names[self.name]
        else:
            self.tell_others("* %s joined" % self.name)

    # -- Commands

    def nick(self, name):
        if name in names or name.startswith("guest"):
            self.tell("* the name %s is taken" % name)
        elif not is_name(name):
            self.tell("* a name is 1 to 32 bytes of letters, digits, - and _")
        else:
            self.tell_others("* %s is now %s" % (self.name, name))
            del names[self.name]
            self.name = name
            names[name] = self
            self.tell("* you are now %s" % name)

    def join(self, room):
        if is_name(room):
            self.move(room)
            self.tell("* you are in %s" % room)
        else:
            self.tell("* a name is 1 to 32 bytes of letters, digits, - and _")

    def leave(self):
        self.join("lobby")

    def rooms(self):
        count = collections.Counter(person.room for person in people.values() if person.room is not None)
        for room in sorted(count, key=str.encode):
            self.tell("* %d in %s" % (count[room], room))

    def who(self):
        for person in people.values():
            if person.room == self.room:
                self.tell("* %s is here" % person.name)

    def msg(self, argument):
        to, _, text = argument.partition(" ")
        if not text:
            self.usage("/msg")
        elif to in names:
            names[to].tell("%s (private): %s" % (self.name, text))
        else:
            self.tell("* there is nobody called %s" % to)

    def all(self, text):
        data = ("%s (to all): %s\n" % (self.name, text)).encode()
        for person in people.values():
            person.send(data)

    def echo(self, text):
        self.tell("%s (echo): %s" % (self.name, text))

    def help(self):
        self.tell(HELP)

    def quit(self):
        self.move(None)
        self.leaving = True
        self.input.clear()
        owed.add(self)

    # -- The end of a turn

    def finish_turn(self):
        """Says what to wait for next, or hangs up."""
        if self.gone:
            return
        said_all = not self.output and not self.input
        if said_all and self.finished and (self.linger_until or not self.leaving):
            self.hang_up()
            return
        if self.leaving and not self.output and self.linger_until is None:
            self.linger_until = time.monotonic() + LINGER
            try:
                self.connection.shutdown(socket.SHUT_WR)
            except OSError:
                self.hang_up()
                return
        events = 0
        waits = self not in unheard and len(self.output) <= OUT_LOW
        if not self.finished and (waits or self.leaving):
            events |= selectors.EVENT_READ
        if self.output:
            events |= selectors.EVENT_WRITE
        if events != self.events:
            watch(self, events)


def watch(person, events):
    if person.events == 0:
        selector.register(person.connection, events, person)
    elif events == 0:
        selector.unregister(person.connection)
    else:
        selector.modify(person.connection, events, person)
    person.events = events


COMMANDS = {
    "/nick": Person.nick,
    "/join": Person.join,
    "/leave": Person.leave,
    "/rooms": Person.rooms,
    "/who": Person.who,
    "/msg": Person.msg,
    "/all": Person.all,
    "/echo": Person.echo,
    "/help": Person.help,
    "/quit": Person.quit,
}


# ---- The loop


def accept(listener):
    for _ in range(64):
        try:
            connection, address = listener.accept()
        except OSError:  # nobody is there any more, or there is no descriptor: try again when somebody has left
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        person = Person(connection, address[1])
        people[connection.fileno()] = person
        selector.register(connection, selectors.EVENT_READ, person)
        person.move("lobby")
        person.tell("* welcome to the lobby, %s; /help shows what you can do" % person.name)


def bury():
    while gone:
        person = gone.pop()
        if person.room is not None:
            person.move(None)
        if person.events:
            watch(person, 0)
        unheard.discard(person)
        del people[person.connection.fileno()]
        person.connection.close()


def turn(listener):
    lingering = [person.linger_until for person in people.values() if person.linger_until]
    wait = max(0, min(lingering) - time.monotonic()) if lingering else None
    ready = selector.select(0 if unheard else wait)
    changed = set(unheard)
    for key, events in ready:
        person = key.data
        if not isinstance(person, Person):
            continue
        changed.add(person)
        if events & selectors.EVENT_WRITE:
            person.blocked = False
            person.flush()
        if events & selectors.EVENT_READ and not person.gone:
            person.receive()
    for person in list(changed):
        person.hear()
    if any(key.data == "newcomers" for key, _ in ready):
        accept(listener)
    now = time.monotonic()
    for person in list(people.values()) if lingering else []:
        if person.linger_until and person.linger_until <= now:
            person.hang_up()
    while owed or changed or gone:
        bury()  # which may say something again
        finished, owed_now = changed | owed, list(owed)
        owed.clear()
        changed.clear()
        for person in owed_now:
            person.flush()
        for person in finished:
            person.finish_turn()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("-p", type=int, default=5228, help="the port; 0 takes any free one (default 5228)")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.parse_args().p))
    listener.listen(512)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, "newcomers")

    stopped = []
    bell, ringer = socket.socketpair()
    ringer.setblocking(False)
    signal.set_wakeup_fd(ringer.fileno())
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
    selector.register(bell, selectors.EVENT_READ, "a signal")
    print("chat_good: listening on %s:%d" % listener.getsockname(), file=sys.stderr, flush=True)
    while not stopped:
        turn(listener)


main()
