// Many cases: the rows of a table are asked one after another, each with its photos, and the answers become a table.
const place = element.querySelector('.mm-batch');
const [table, folder, start, stop, save] = ['.table', '.folder', '.start', '.stop', '.save'].map(
  which => place.querySelector(which));
const [status, problem, scroll, body] = ['[role=status]', '.problem', '.scroll', 'tbody'].map(
  which => place.querySelector(which));
const wait = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
const SHOWN = ['triage', 'most_likely', 'probability', 'answer_set'];
let stopped = false;

// What a function of the server answers; it is asked again where the server asks for patience.
async function call(name, data) {
  const at = new URL(`gradio_api/call/${name}`, document.baseURI).href;
  const headers = {'content-type': 'application/json'};
  let asked;
  do {
    asked = await fetch(at, {method: 'POST', headers, body: JSON.stringify({data})});
    if (asked.status === 429 || asked.status === 503) await wait(Number(asked.headers.get('retry-after') ?? 5));
  } while (!stopped && (asked.status === 429 || asked.status === 503));
  if (!asked.ok) throw new Error(await asked.text());
  const {event_id: id} = await asked.json();
  const told = await (await fetch(`${at}/${id}`)).text();
  const answer = told.match(/event: complete\ndata: (.*)/);
  if (!answer) throw new Error(props.words.not_answered);
  return JSON.parse(answer[1])[0];
}

async function upload(file) {
  for (;;) {
    const [name, sentence, patience] = await window.mmskin.upload(file);
    if (name) return name;
    if (!patience || stopped) throw new Error(sentence);
    await wait(patience);
  }
}

// Files by their own names, in small letters: a table rarely says in which folder they lie.
function filesByName() {
  return Object.fromEntries([...folder.files].map(file => [file.name.toLowerCase(), file]));
}

async function answer(one, files) {
  const photos = {};
  for (const [kind, file] of Object.entries(one.photos)) {
    const found = files[file.split(/[\\/]/).pop().toLowerCase()];
    if (!found) return {problem: props.words.no_photo.replace('{file}', file)};
    photos[kind] = await upload(found);
  }
  return call('answer_row', [photos, one.fields, one.text]);
}

function show(one, row) {
  const line = body.insertRow();
  const cells = row.problem ? [props.words.not_answered, '', '', ''] : SHOWN.map(name => row[name]);
  const mind = row.problem ?? [row.unlike_training, row.remarks].filter(Boolean).join('; ');
  for (const cell of [one.case, ...cells, mind]) line.insertCell().textContent = cell;
  line.classList.toggle('none', !!row.problem);
}

function asCsv(rows) {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const quoted = value => `"${String(value ?? '').replaceAll('"', '""')}"`;
  return [names, ...rows.map(row => names.map(name => row[name]))].map(row => row.map(quoted).join(',')).join('\r\n');
}

function tell(sentence, where = status) {
  where.hidden = where === problem && !sentence;
  where.textContent = sentence && sentence[0].toUpperCase() + sentence.slice(1);
}

async function run() {
  tell('', problem);
  tell(props.words.reading);
  body.replaceChildren();
  const {cases, remarks, error} = await call('read_table', [await table.files[0].text()]);
  if (error) throw new Error(error);
  tell(remarks.join('; '), problem);
  scroll.hidden = false;
  const files = filesByName(), rows = [];
  for (const one of cases) {
    if (stopped) break;
    const row = await answer(one, files).catch(({message}) => ({problem: message}));
    if (stopped && row.problem) break;
    rows.push({case: one.case, problem: '', ...row});
    show(one, row);
    const problems = rows.filter(found => found.problem).length;
    tell(props.words.progress.replace('{done}', rows.length).replace('{all}', cases.length).replace('{problems}', problems));
  }
  if (save.href) URL.revokeObjectURL(save.href);
  save.href = URL.createObjectURL(new Blob(['\ufeff', asCsv(rows)], {type: 'text/csv'}));
  save.hidden = !rows.length;
}

start.addEventListener('click', async () => {
  stopped = false;
  [start.disabled, stop.hidden, save.hidden] = [true, false, true];
  try {
    await run();
  } catch (error) {
    tell('');
    tell(error instanceof TypeError ? props.words.gone : error.message, problem);
  }
  [start.disabled, stop.hidden] = [false, true];
});
stop.addEventListener('click', () => { stopped = true; });
table.addEventListener('change', () => { start.disabled = !table.files.length; });
