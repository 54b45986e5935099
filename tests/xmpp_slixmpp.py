"""What slixmpp makes of an XMPP server, for tests/03-xmpp-real.bats.

    python3 tests/xmpp_slixmpp.py THEME HOST PORT      exit code 1 at the first wrong answer; the themes are at the end
"""
import asyncio
import datetime
import sys

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

PATIENCE = 10  # seconds, for everything that has to come
TEXTS = ["吃饭了吗", "吃了，你呢？", "😀 👨‍👩‍👧 é", "<b>&amp;</b> & \" ' ]]> --> <![CDATA[", "a\n\tb  c", "0" * 50000, "饭" * 16000]


def wait(event):
    return asyncio.wait_for(event, PATIENCE)


def equal(got, wanted, rule):
    if got != wanted:
        sys.exit(f"rule: {rule}\nexpected: {wanted!r:.500}\nreceived: {got!r:.500}")


class Person(slixmpp.ClientXMPP):
    """Somebody with a client that keeps what comes, until a theme asks for it."""

    def __init__(self, address, password="123456", mechanism="SCRAM-SHA-1"):
        super().__init__(address, password, sasl_mech=mechanism)
        self["feature_mechanisms"].unencrypted_plain = True  # without TLS slixmpp sends no password, unless told so
        for plugin in "xep_0030", "xep_0199", "xep_0203":  # disco, ping, delay
            self.register_plugin(plugin)
        self.presences, self.messages = [], asyncio.Queue()
        self.add_event_handler("presence", self.presences.append)
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("message_error", self.messages.put_nowait)

    async def log_in(self, event="session_start"):
        happens = self.wait_until(event, PATIENCE)
        self.connect((HOST, PORT), force_starttls=False, disable_starttls=True)
        return await happens

    async def come(self, priority=0):
        await self.log_in()
        self.send_presence(ppriority=priority)
        await self.sees(self.boundjid.full)
        return self

    async def sees(self, who, kind="available"):
        while True:
            for number, presence in enumerate(self.presences):
                if presence["from"].full == who and presence["type"] == kind:
                    return self.presences.pop(number)
            await self.wait_until("presence", PATIENCE)

    def say(self, to, text):
        self.send_message(mto=to, mbody=text, mtype="chat")

    async def hears(self, sender, text):
        message = await wait(self.messages.get())
        equal((message["from"].full, message["body"]), (sender, text), "the next message is this one, from this sender")
        return message

    async def hears_nothing_more(self, friend):
        friend.say(self.boundjid.full, "the last one")
        await self.hears(friend.boundjid.full, "the last one")


async def login():
    for mechanism in "SCRAM-SHA-1", "PLAIN":
        person = Person("zhangsan@localhost/phone", mechanism=mechanism)
        await person.log_in()
        equal(person.boundjid.full, "zhangsan@localhost/phone", "a client gets the resource that it wishes")
        await person.disconnect()
        person = Person("zhangsan@localhost/phone", password="1234567", mechanism=mechanism)
        await person.log_in("failed_auth")
        await person.disconnect()
    person = Person("zhangsan@localhost")
    await person.log_in()
    equal(bool(person.boundjid.resource), True, "a client that wishes no resource gets one")


async def roster():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    items = (await zhangsan.get_roster(timeout=PATIENCE))["roster"]["items"]
    names = {str(address): item["subscription"] for address, item in items.items()}
    equal(names, {"lisi@localhost": "both", "wangwu@localhost": "both"}, "the roster has all others, each subscribed to each")
    lisi = await Person("lisi@localhost/pc").come()
    await zhangsan.sees("lisi@localhost/pc")
    await lisi.sees("zhangsan@localhost/phone")
    lisi.send_presence(pshow="away", pstatus="吃饭")
    presence = await zhangsan.sees("lisi@localhost/pc", "away")
    equal(presence["status"], "吃饭", "a presence comes as it was sent")
    wangwu = await Person("wangwu@localhost/pad").come()
    await wangwu.sees("lisi@localhost/pc", "away")
    lisi.send_presence(ptype="unavailable", pstatus="再见")
    presence = await zhangsan.sees("lisi@localhost/pc", "unavailable")
    equal(presence["status"], "再见", "who leaves can say why")
    wangwu.abort()
    await zhangsan.sees("wangwu@localhost/pad", "unavailable")


async def talk():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    lisi = await Person("lisi@localhost/pc").come()
    for text in TEXTS:
        zhangsan.say("lisi@localhost", text)
        await lisi.hears("zhangsan@localhost/phone", text)
        lisi.say("zhangsan@localhost/phone", text)
        await zhangsan.hears("lisi@localhost/pc", text)
    for number in range(200):
        zhangsan.say("lisi@localhost", str(number))
    for number in range(200):
        await lisi.hears("zhangsan@localhost/phone", str(number))
    zhangsan.say("nobody@localhost", "hello")
    answer = await wait(zhangsan.messages.get())
    equal((answer["type"], answer["error"]["condition"]), ("error", "service-unavailable"), "nobody@localhost is not there")


async def away():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    sent = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for text in TEXTS:
        zhangsan.say("lisi@localhost", text)
    await zhangsan["xep_0199"].ping("localhost", timeout=PATIENCE)  # its answer says that the server has got all
    lisi = await Person("lisi@localhost/pc").come()
    for text in TEXTS:
        message = await lisi.hears("zhangsan@localhost/phone", text)
        late = message["delay"]["stamp"] - sent
        equal(datetime.timedelta(0) <= late < datetime.timedelta(seconds=60), True, f"a kept message has its time; {late} off")
        equal(message["delay"]["from"].full, "localhost", "the server says when it was sent")
    await lisi.disconnect()
    lisi = await Person("lisi@localhost/pc").come()
    await lisi.hears_nothing_more(zhangsan)


async def places():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    pc = await Person("lisi@localhost/pc").come(5)
    pad = await Person("lisi@localhost/pad").come(5)
    clock = await Person("lisi@localhost/clock").come(-1)
    zhangsan.say("lisi@localhost", "one")
    zhangsan.say("lisi@localhost/clock", "two")
    pad.send_presence(ppriority=6)
    await zhangsan.sees("lisi@localhost/pad")  # its priority of 5
    await zhangsan.sees("lisi@localhost/pad")
    zhangsan.say("lisi@localhost", "three")
    zhangsan.say("lisi@localhost/gone", "four")
    for client, texts in (pc, ["one"]), (pad, ["one", "three", "four"]), (clock, ["two"]):
        for text in texts:
            await client.hears("zhangsan@localhost/phone", text)
        await client.hears_nothing_more(zhangsan)


async def ask():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    lisi = await Person("lisi@localhost/pc").come()
    for address in "localhost", "lisi@localhost/pc":
        await zhangsan["xep_0199"].ping(address, timeout=PATIENCE)
    info = await zhangsan["xep_0030"].get_info("localhost", timeout=PATIENCE)
    equal({"urn:xmpp:ping", "jabber:iq:roster"} <= info["disco_info"]["features"], True, "the server says what it can do")
    equal([identity[:2] for identity in info["disco_info"]["identities"]], [("server", "im")], "the server says what it is")
    items = await zhangsan["xep_0030"].get_items("localhost", timeout=PATIENCE)
    equal(len(items["disco_items"]["items"]), 0, "there is nothing else at this server")
    info = await lisi["xep_0030"].get_info("zhangsan@localhost/phone", timeout=PATIENCE)
    equal("urn:xmpp:ping" in info["disco_info"]["features"], True, "a client asks another one")
    try:
        await zhangsan["xep_0199"].send_ping("lisi@localhost/gone", timeout=PATIENCE)
        sys.exit("rule: a client that is not there gives no answer")
    except slixmpp.exceptions.IqError as error:
        equal(error.iq["error"]["condition"], "service-unavailable", "the server answers for a client that is not there")


async def conflict():
    older = await Person("lisi@localhost/pc").come()
    error, end = older.wait_until("stream_error", PATIENCE), older.wait_until("disconnected", PATIENCE)
    error, end = asyncio.ensure_future(error), asyncio.ensure_future(end)
    await asyncio.sleep(0)  # lets these two begin
    newer = await Person("lisi@localhost/pc").come()
    equal((await error)["condition"], "conflict", "the newer connection stays, the older one ends")
    await end
    await newer["xep_0199"].ping("localhost", timeout=PATIENCE)


async def quiet():
    zhangsan = await Person("zhangsan@localhost/phone").come()
    pings = asyncio.Queue()
    zhangsan.register_handler(Callback("pings", StanzaPath("iq@type=get/ping"), pings.put_nowait))
    for _ in range(3):  # slixmpp answers them by itself
        await wait(pings.get())
    zhangsan.say("zhangsan@localhost", "still here")
    await zhangsan.hears("zhangsan@localhost/phone", "still here")


THEMES = {theme.__name__: theme for theme in (login, roster, talk, away, places, ask, conflict, quiet)}

HOST, PORT = sys.argv[2], int(sys.argv[3])
asyncio.get_event_loop().run_until_complete(THEMES[sys.argv[1]]())
