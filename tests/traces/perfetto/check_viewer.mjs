// The viewer page in a browser: no script error, something drawn, and each kind of use answers.
import {readFile} from 'node:fs/promises';
import {Checks, withPage} from './browser.mjs';

const [file, screenshot] = process.argv.slice(2);
const html = await readFile(file, 'utf8');
const checks = new Checks();

await withPage({pages: {'/viewer.html': html}}, async (page, base) => {
  const errors = [], requests = [];
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('request', (r) => requests.push(r.url()));
  await page.goto(`${base}/viewer.html`);
  const inPage = (f, arg) => page.evaluate(f, arg);
  const colours = () => inPage(() => {
    const {data: px} = ctx.getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
    for (let i = 0; i < px.length; i += 4) seen.add((px[i] << 16) | (px[i + 1] << 8) | px[i + 2]);
    const known = data.colours.map((c) => parseInt(c.slice(1), 16));
    return known.filter((c) => seen.has(c)).length;
  });
  const scopes = await inPage(() => scopeNames.length);
  checks.equal('scope colours on the canvas', await colours(), Math.min(scopes, 20));
  checks.equal('lines of the scope table', await page.locator('tr.scope').count(), scopes);

  // Point at the middle of the first row with work: tooltip, then selection with its arrows.
  const at = await inPage(() => {
    const run = runs[0], row = run.rows.find((r) => r.work && run.preds[r.task].size > 0) ||
        run.rows.find((r) => r.work);
    const box = canvas.getBoundingClientRect();
    return {x: box.x + xOf((row.start + row.end) / 2), y: box.y + middle(run, row),
            scope: scopeOf(run, row), preds: run.preds[row.task].size};
  });
  await page.mouse.move(at.x, at.y);
  checks.equal('tooltip names the scope', (await page.locator('#tip').textContent()).includes(at.scope), true);
  const before = await inPage(() => canvas.toDataURL());
  await page.mouse.down();
  await page.mouse.up();
  checks.equal('a click selects', (await page.locator('#detail').textContent()).includes(at.scope), true);
  checks.equal('and draws', (await inPage(() => canvas.toDataURL())) !== before, true);
  if (screenshot) await page.screenshot({path: screenshot});

  const span = () => inPage(() => state.to - state.from);
  const all = await span();
  await page.mouse.wheel(0, -600);
  await page.waitForTimeout(50);
  checks.equal('the wheel zooms in', (await span()) < all, true);
  const from = await inPage(() => state.from);
  await page.mouse.down();
  await page.mouse.move(at.x - 80, at.y, {steps: 4});
  await page.mouse.up();
  checks.equal('dragging left moves on in time', (await inPage(() => state.from)) > from, true);
  await page.mouse.dblclick(at.x, at.y);
  checks.equal('a double click shows all', await span(), await inPage(() => longest));

  // The label of a core opens its pipes.
  const label = await inPage(() => {
    const core = runs[0].rows.find((r) => r.work).core, box = canvas.getBoundingClientRect();
    const lane = lanes.find((l) => l.core === core);
    return {x: box.x + 20, y: box.y + lane.y + 5, lanes: lanes.length,
            pipes: new Set(runs.flatMap((r) => r.instrsOfCore[core].map((i) => i.pipe))).size};
  });
  await page.mouse.click(label.x, label.y);
  checks.equal('pipe lanes of a core', await inPage((n) => lanes.length - n, label.lanes), label.pipes);

  const modes = await page.locator('#modes button').count();
  checks.equal('buttons for A and B', modes, (await inPage(() => runs.length)) === 2 ? 3 : 0);
  for (let i = 0; i < modes; ++i) {
    await page.locator('#modes button').nth(i).click();
    checks.equal(`mode ${i} draws`, (await colours()) > 0, true);
  }
  checks.equal('script errors', errors, []);
  checks.equal('requests elsewhere', requests.filter((r) => !r.startsWith(base) && !r.startsWith('data:')), []);
});
checks.done();
