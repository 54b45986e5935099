// What others make of WebSockets, for tests/06-interop.bats. It finds its packages through NODE_PATH.
//     node tests/ws_interop.js ws URL      talks to an echo server by npm's ws; exit code 1 at the first wrong answer
//     node tests/ws_interop.js own URL     the same by Node's own WebSocket, or undici, where Node has it from
//     node tests/ws_interop.js server      an echo server by npm's ws; says "listening on HOST:PORT" on stderr
'use strict';
const assert = require('node:assert');
const {once} = require('node:events');
const crypto = require('node:crypto');

const MESSAGES = ['hello', '', '吃饭了吗', '👋'.repeat(40), 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(65535), '饭'.repeat(30000),
  ...[0, 1, 125, 126, 127, 65535, 65536, 70000, 1 << 20].map(size => crypto.randomBytes(size))];
const REASON = '再见'.repeat(20) + 'bye'; // 123 bytes, the longest

const happens = (target, name) => new Promise(resolve => target.addEventListener(name, resolve, {once: true}));
const plain = data => typeof data === 'string' ? data : Buffer.from(data);

// What every client can do, by the API of browsers.
async function talk(WebSocket, url) {
  const socket = new WebSocket(url, ['other', 'echo']), answers = [];
  socket.binaryType = 'arraybuffer';
  await happens(socket, 'open');
  assert.strictEqual(socket.protocol, 'echo', 'the subprotocol that was offered and is known is chosen');
  const all = new Promise(resolve => socket.addEventListener('message', ({data}) => {
    if (answers.push(plain(data)) === MESSAGES.length)
      resolve();
  }));
  MESSAGES.forEach(message => socket.send(message));
  await all;
  MESSAGES.forEach((message, i) => assert.deepStrictEqual(answers[i], message, `message ${i} comes back as it was`));
  const closed = happens(socket, 'close');
  socket.close(4000, REASON);
  const {code, reason, wasClean} = await closed;
  assert.deepStrictEqual([code, String(reason), wasClean], [4000, REASON, true], 'code and reason come back');

  const refused = new WebSocket(new URL('/nowhere', url));
  const failed = happens(refused, 'error');
  assert.strictEqual((await happens(refused, 'close')).code, 1006, 'a refused handshake is none');
  await failed;
}

// What npm's ws can do beside that: pings, fragments, a close without a code.
async function probe(WebSocket, url) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const data = crypto.randomBytes(125), pong = once(socket, 'pong');
  socket.ping(data);
  assert.deepStrictEqual((await pong)[0], data, 'a pong has the data of its ping');
  const answer = once(socket, 'message'), between = once(socket, 'pong');
  for (const piece of ['one ', 'two ', 'three '])
    socket.send(piece, {fin: false});
  socket.ping('between');
  socket.send('four');
  assert.strictEqual(String((await between)[0]), 'between', 'a ping between fragments is answered');
  assert.strictEqual(String((await answer)[0]), 'one two three four', 'fragments are one message');
  socket.close();
  assert.strictEqual((await once(socket, 'close'))[0], 1005, 'a close without a code is answered without one');
}

// Echoes, pings whoever says "ping", closes with 4000 for "close"; sends what has many lines in fragments.
function serve({WebSocketServer}) {
  const server = new WebSocketServer({host: '127.0.0.1', port: 0, maxPayload: 1 << 26}, () =>
    console.error(`ws_interop: listening on 127.0.0.1:${server.address().port}`));
  server.on('connection', (socket, request) => {
    console.error(`connected ${request.url} ${request.headers.origin} ${socket.protocol}`);
    socket.on('pong', data => console.error(`pong ${data}`));
    socket.on('close', (code, reason) => console.error(`closed ${code} ${reason}`));
    socket.on('message', (data, binary) => {
      const text = binary ? '' : String(data);
      if (text === 'ping')
        socket.ping('are you there');
      if (text === 'close')
        socket.close(4000, '再见\x1b[31m');
      else if (text === 'fragments')
        text.split('').forEach((letter, i) => socket.send(letter, {fin: i === text.length - 1}));
      else
        socket.send(data, {binary});
    });
  });
}

async function main([role, url]) {
  if (role === 'server')
    return serve(require('ws'));
  const WebSocket = role === 'ws' ? require('ws') : globalThis.WebSocket || require('undici').WebSocket;
  await talk(WebSocket, url);
  if (role === 'ws')
    await probe(WebSocket, url);
}

main(process.argv.slice(2)).catch(error => {
  console.log(error.message);
  process.exit(1);
});
