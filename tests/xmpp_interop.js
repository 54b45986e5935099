// What npm's @xmpp/client makes of an XMPP server, for tests/03-xmpp-real.bats. It finds its package through NODE_PATH.
//     node tests/xmpp_interop.js xmpp://HOST:PORT      exit code 1 at the first wrong answer
'use strict';
const assert = require('node:assert');

// No long text in Chinese, for 0.14 makes text of each segment by itself: a character that comes in two becomes "\uFFFD".
const TEXTS = ['吃饭了吗', '吃了，你呢？', '😀 👨‍👩‍👧 é', '<b>&amp;</b> & " \' ]]> --> <![CDATA[', 'a\n\tb  c', '0'.repeat(50000)];
const COUNT = 200; // messages, one behind the other
const TIME = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

const service = process.argv[2];
let client, xml; // the two functions of the package

// Resolves with the next stanza of this client for which `wanted` is true.
const next = (person, wanted) => new Promise(resolve => person.on('stanza', function look(stanza) {
  if (!wanted(stanza))
    return;
  person.removeListener('stanza', look);
  resolve(stanza);
}));

const presence = (person, from, type) => next(person, stanza =>
  stanza.is('presence') && stanza.attrs.from === from && stanza.attrs.type === type);

// Resolves with so many messages: [from, text, its time if it was kept] each.
function messages(person, count) {
  const got = [];
  const all = next(person, stanza => {
    if (stanza.is('message'))
      got.push([stanza.attrs.from, stanza.getChildText('body'), stanza.getChild('delay', 'urn:xmpp:delay')?.attrs.stamp]);
    return got.length === count;
  });
  return all.then(() => got);
}

const say = (person, to, text) => person.send(xml('message', {to, type: 'chat'}, xml('body', {}, text)));

async function log_in(username, resource, password = '123456') {
  const person = client({service, domain: 'localhost', username, password, resource, timeout: 10000});
  person.reconnect.stop();
  person.on('error', () => {}); // start() fails with it, too
  await person.start();
  return person;
}

// Says that it is there, and waits until the server has told all.
async function come(person) {
  const here = presence(person, person.jid.toString());
  await person.send(xml('presence'));
  await here;
}

async function login() {
  await assert.rejects(log_in('zhangsan', 'phone', '1234567'), {name: 'SASLError', condition: 'not-authorized'});
  await assert.rejects(log_in('nobody', 'phone'), {name: 'SASLError', condition: 'not-authorized'});
}

async function roster(zhangsan) {
  const query = await zhangsan.iqCaller.get(xml('query', 'jabber:iq:roster'));
  const items = query.getChildren('item').map(item => [item.attrs.jid, item.attrs.subscription]).sort();
  assert.deepStrictEqual(items, [['lisi@localhost', 'both'], ['wangwu@localhost', 'both']], 'the roster has all others');
}

async function talk(zhangsan, lisi) {
  for (const [from, to] of [[zhangsan, lisi], [lisi, zhangsan]])
    for (const text of TEXTS) {
      const got = messages(to, 1);
      await say(from, to.jid.bare().toString(), text);
      assert.deepStrictEqual(await got, [[from.jid.toString(), text, undefined]], 'a text comes as it was sent');
    }
  const got = messages(lisi, COUNT), texts = Array.from({length: COUNT}, (_, i) => String(i));
  await Promise.all(texts.map(text => say(zhangsan, lisi.jid.toString(), text)));
  assert.deepStrictEqual((await got).map(([, text]) => text), texts, 'each comes once, in order');
}

async function ask(zhangsan, lisi) {
  for (const to of ['localhost', lisi.jid.toString()])
    await zhangsan.iqCaller.request(xml('iq', {type: 'get', to}, xml('ping', 'urn:xmpp:ping')));
  await assert.rejects(zhangsan.iqCaller.get(xml('query', 'urn:of:nobody')), {condition: 'service-unavailable'});
}

async function away(zhangsan, lisi) {
  const leaves = presence(zhangsan, 'lisi@localhost/pc', 'unavailable');
  await lisi.stop();
  await leaves;
  for (const text of TEXTS)
    await say(zhangsan, 'lisi@localhost', text);
  await ask(zhangsan, zhangsan); // when there are answers, the server has got all before
  const again = await log_in('lisi', 'pad');
  const comes = presence(zhangsan, 'lisi@localhost/pad'), got = messages(again, TEXTS.length);
  await come(again);
  await comes;
  for (const [i, [from, text, time]] of (await got).entries()) {
    assert.deepStrictEqual([from, text], [zhangsan.jid.toString(), TEXTS[i]], 'what was said meanwhile comes, in order');
    assert.match(time, TIME, 'a kept message has its time');
  }
  return again;
}

async function main() {
  ({client, xml} = await import(require.resolve('@xmpp/client')));
  await login();
  const zhangsan = await log_in('zhangsan', 'phone'), lisi = await log_in('lisi', 'pc');
  assert.strictEqual(zhangsan.jid.toString(), 'zhangsan@localhost/phone', 'a client gets the resource that it wishes');
  await roster(zhangsan);
  await come(zhangsan);
  const comes = presence(zhangsan, 'lisi@localhost/pc'), is_there = presence(lisi, 'zhangsan@localhost/phone');
  await come(lisi);
  await Promise.all([comes, is_there]);
  await talk(zhangsan, lisi);
  await ask(zhangsan, lisi);
  const again = await away(zhangsan, lisi);
  await Promise.all([zhangsan.stop(), again.stop()]);
}

// Those that were refused are still connected, so Node would not end by itself.
main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
