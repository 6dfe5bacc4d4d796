// A headless Chromium that talks to nobody but our own server on the loopback interface.
import {createServer} from 'node:http';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {chromium} from 'playwright-core';

const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css',
               '.wasm': 'application/wasm', '.json': 'application/json'};

/// Serves `pages` (path -> content or file name in `root`) and calls `use(page, base url)`.
export async function withPage({pages = {}, root = '.', viewport = {width: 1400, height: 800}}, use) {
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, 'http://x').pathname;
    try {
      const body = name in pages ? pages[name] : await readFile(path.join(root, path.normalize(name)));
      response.writeHead(200, {'Content-Type': TYPES[path.extname(name)] || 'application/octet-stream'});
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const profile = await mkdtemp(path.join(tmpdir(), 'trace-test-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, viewport,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    return await use(await browser.newPage(), `http://127.0.0.1:${server.address().port}`);
  } finally {
    await browser.close();
    server.close();
    await rm(profile, {recursive: true, force: true});
  }
}

/// Collects failed checks; `done()` prints them and sets the exit code.
export class Checks {
  failed = 0;
  equal(what, actual, expected) {
    const same = JSON.stringify(actual) === JSON.stringify(expected);
    console.log(`${same ? 'ok  ' : 'FAIL'} ${what}: ${JSON.stringify(actual)}` +
                (same ? '' : `, expected ${JSON.stringify(expected)}`));
    if (!same) ++this.failed;
  }
  done() {
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}
