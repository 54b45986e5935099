// What npm's mqtt makes of a broker, for tests/04-mqtt-real.bats. It finds its package through NODE_PATH.
//     node tests/mqtt_interop.js mqtt://HOST:PORT      exit code 1 at the first wrong answer
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const {once} = require('node:events');
const mqtt = require('mqtt');

const MESSAGES = 1000; // at once, with each QoS
const TEXTS = ['hello', '', '吃饭了吗', '👋'.repeat(40), crypto.randomBytes(127), crypto.randomBytes(16384), crypto.randomBytes(204800)];

const url = process.argv[2];
const connect = options => mqtt.connectAsync(url, {reconnectPeriod: 0, connectTimeout: 10000, ...options});

// Resolves with so many messages, when they have come: [topic, text, QoS, RETAIN, DUP] each.
const messages = (client, count) => new Promise(resolve => {
  const got = [];
  client.on('message', function take(topic, payload, {qos, retain, dup}) {
    if (got.push([topic, payload, qos, retain, dup]) < count)
      return;
    client.removeListener('message', take);
    resolve(got);
  });
});

async function each_qos(a, b) {
  for (const [granted, from, to] of [[0, a, b], [1, b, a], [2, a, b]]) {
    const [grant] = await to.subscribeAsync(`count/${granted}`, {qos: granted});
    assert.strictEqual(grant.qos, granted, 'what is asked for is granted');
    const all = messages(to, MESSAGES);
    const sent = [];
    for (let i = 0; i < MESSAGES; i++)
      sent.push(from.publishAsync(`count/${granted}`, String(i), {qos: granted}));
    await Promise.all(sent);
    (await all).forEach((message, i) =>
      assert.deepStrictEqual(message, [`count/${granted}`, Buffer.from(String(i)), granted, false, false], 'each comes once, in order'));
    await to.unsubscribeAsync(`count/${granted}`);
  }
}

async function texts(a, b) {
  await b.subscribeAsync('texts/+/末', {qos: 2});
  for (const text of TEXTS) {
    const one = messages(b, 1);
    await a.publishAsync('texts/é/末', text, {qos: 2});
    assert.deepStrictEqual((await one)[0].slice(0, 2), ['texts/é/末', Buffer.from(text)], 'a text comes as it was sent');
  }
}

async function retained(a, b) {
  await a.publishAsync('kept/one', 'one', {qos: 1, retain: true});
  await a.publishAsync('kept/two', 'two', {qos: 1, retain: true});
  await a.publishAsync('kept/two', '', {qos: 1, retain: true});
  const first = messages(b, 2);
  await b.subscribeAsync('kept/#', {qos: 1});
  await a.publishAsync('kept/two', 'three', {qos: 1});
  assert.deepStrictEqual(await first, [['kept/one', Buffer.from('one'), 1, true, false], ['kept/two', Buffer.from('three'), 1, false, false]]);
}

async function will(b) {
  const c = await connect({will: {topic: 'gone/c', payload: 'c', qos: 1, retain: false}});
  await b.subscribeAsync('gone/#', {qos: 1});
  const last = messages(b, 1);
  c.stream.destroy();
  assert.deepStrictEqual(await last, [['gone/c', Buffer.from('c'), 1, false, false]], 'a will is sent');
}

async function session(a) {
  const options = {clientId: 'comes-back', clean: false};
  let c = await connect(options);
  await c.subscribeAsync('meanwhile', {qos: 2});
  await c.endAsync();
  for (const qos of [1, 2])
    await a.publishAsync('meanwhile', `QoS ${qos}`, {qos});
  c = mqtt.connect(url, {reconnectPeriod: 0, ...options});
  const both = messages(c, 2);
  const [connack] = await once(c, 'connect');
  assert.strictEqual(connack.sessionPresent, true, 'the session is there');
  assert.deepStrictEqual((await both).map(([, payload, qos]) => [String(payload), qos]), [['QoS 1', 1], ['QoS 2', 2]]);
  await c.endAsync();
}

async function main() {
  const a = await connect(), b = await connect({keepalive: 1});
  await each_qos(a, b);
  await texts(a, b);
  await retained(a, b);
  await will(b);
  await session(a);
  await a.endAsync();
  await b.endAsync();
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
