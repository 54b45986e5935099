// echo_node.js - the same service as echo_server in Node.js, as everybody would write it: a peer to compare with.
//
//     node echo_node.js -p 3202
'use strict'
const net = require('net')

const at = process.argv.indexOf('-p')
const port = at < 0 ? 3202 : Number(process.argv[at + 1])
const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {}) // a reset ends that client, not the server
  socket.pipe(socket)
})
server.listen({ host: '127.0.0.1', port, backlog: 4096 }, () => {
  console.error(`echo_node: listening on 127.0.0.1:${server.address().port}`)
})
