// An echo server on the npm package ws, for comparison. It takes any path. NODE_PATH says where ws is.
const { WebSocketServer } = require('ws')
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false }, () =>
  console.error(`ws_node: listening on 127.0.0.1:${server.address().port}`))
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
process.on('SIGTERM', () => process.exit(0))
