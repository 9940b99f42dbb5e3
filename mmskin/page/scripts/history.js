// The history: what the screen shows and `props.value` are kept the same. `element`, `props`, `watch` are gradio's.
const form = element.querySelector('.mm-form');
const states = JSON.parse(form.dataset.states);
const fields = [...form.querySelectorAll('[data-field]')];
const byName = Object.fromEntries(fields.map(field => [field.dataset.field, field]));
const unitOf = Object.fromEntries([...form.querySelectorAll('[data-unit]')].map(unit => [unit.dataset.unit, unit]));
const isChip = field => field.classList.contains('chip');
const valueOf = field => isChip(field) ? field.dataset.value : field.value;

function read() {
  return Object.fromEntries(Object.entries(byName).map(
    ([name, field]) => [name, unitOf[name] ? [field.value, unitOf[name].value] : valueOf(field)]));
}

function write(values) {
  for (const [name, field] of Object.entries(byName)) {
    const value = values[name] ?? '';
    if (unitOf[name]) [field.value, unitOf[name].value] = value;
    else setOne(field, value);
  }
  draw();
}

function setOne(field, value) {
  if (!isChip(field)) { field.value = value; return; }
  field.dataset.value = value;
  field.querySelector('b').textContent = states[value];
  field.setAttribute('aria-label', `${field.dataset.title}: ${states[value]}`);
}

// What follows from the values: the region on the body, and how many of the folded questions are answered.
function draw() {
  for (const figure of form.querySelectorAll('svg[data-for]')) {
    const chosen = byName[figure.dataset.for].value;
    for (const region of figure.querySelectorAll('[data-choice]'))
      region.classList.toggle('here', region.dataset.choice === chosen);
  }
  const count = form.querySelector('.more .count');
  if (!count) return;
  const answered = fields.filter(field => field.closest('.more') && valueOf(field)).length;
  count.textContent = answered ? count.dataset.words.replace('{n}', answered) : '';
}

function store() {
  props.value = read();
  draw();
  document.dispatchEvent(new Event('mm-edit'));
}

function say(field) {
  form.querySelector('.said').textContent = isChip(field)
    ? field.getAttribute('aria-label') : `${field.closest('label').firstChild.textContent.trim()}: ${field.value}`;
}

function answerChip(chip, value) {
  setOne(chip, value);
  say(chip);
  store();
}

form.addEventListener('input', store);

form.addEventListener('click', event => {
  const chip = event.target.closest('.chip');
  if (chip) {
    moveTo(chip);
    answerChip(chip, {'': 'yes', yes: 'no'}[chip.dataset.value] ?? '');
  }
  const region = event.target.closest('[data-choice]');
  if (region) {
    const list = byName[region.closest('svg').dataset.for];
    list.value = list.value === region.dataset.choice ? '' : region.dataset.choice;
    store();
  }
});

// One stop of the tab key a group of chips; arrows go on from there.
function moveTo(chip) {
  for (const other of chip.parentElement.children) other.tabIndex = other === chip ? 0 : -1;
  chip.focus();
}

form.addEventListener('keydown', event => {
  const chip = event.target.closest('.chip');
  if (!chip || event.ctrlKey || event.metaKey || event.altKey) return;
  const chips = [...chip.parentElement.children];
  const at = chips.indexOf(chip);
  const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: -1}[event.key];
  const value = {y: 'yes', n: 'no', Delete: '', Backspace: ''}[event.key];
  if (to === undefined && value === undefined) return;
  event.preventDefault();
  if (to !== undefined) moveTo(chips.at(to % chips.length));
  else answerChip(chip, value);
});

// A value from elsewhere on the page: {field, value}. A bare number of a duration is in days, as it is stored.
form.addEventListener('mm-set', ({detail: {field: name, value}}) => {
  const field = byName[name];
  const admissible = field && (isChip(field) ? value in states
    : field.tagName !== 'SELECT' || [...field.options].some(option => option.value === value));
  if (!admissible) return;
  setOne(field, value);
  if (unitOf[name] && /\d$/.test(value)) unitOf[name].value = 'days';
  if (field.closest('.more')) field.closest('.more').open = true;
  say(field);
  store();
});

watch('value', () => {
  write(props.value);
  if (fields.some(field => field.closest('.more') && valueOf(field))) form.querySelector('.more').open = true;
  document.dispatchEvent(new Event('mm-edit'));
});
