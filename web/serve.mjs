// A static server on the loopback address: `node web/serve.mjs FOLDER [PORT]`. Tests import `serve`.

import http from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm',
};

// Serves the files of `folder` and nothing beside it; a promise of the server and of its address.
export function serve(folder, port = 0) {
  const root = path.resolve(folder);
  const server = http.createServer(async (request, response) => {
    try {
      const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
      const file = path.join(root, name.endsWith('/') ? `${name}index.html` : name);
      if (!file.startsWith(root + path.sep)) throw new Error('beside the folder');
      const body = await readFile(file);
      response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((done, failed) => {
    server.on('error', failed);
    server.listen(port, '127.0.0.1', () => done({ server, address: `http://127.0.0.1:${server.address().port}/` }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, port = '8080'] = process.argv.slice(2);
  if (!folder || !/^\d+$/.test(port)) {
    console.error('usage: node web/serve.mjs FOLDER [PORT]');
    process.exit(2);
  }
  try {
    const { address } = await serve(folder, Number(port));
    console.log(`${address}  (Ctrl-C ends it)`);
  } catch (error) {
    console.error(`error: port ${port}: ${error.message}; give another one: make serve PORT=8081`);
    process.exit(1);
  }
}
