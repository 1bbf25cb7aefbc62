// A socket.io server, as its documentation has it.
const http = require("node:http");
const { Server } = require("socket.io");

const server = http.createServer((request, response) => {
  let text = "";
  request.on("data", (data) => (text += data));
  request.on("end", () => {
    io.emit("tick", text);
    response.end();
  });
});
const io = new Server(server, { pingInterval: 300000, pingTimeout: 300000 });
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
