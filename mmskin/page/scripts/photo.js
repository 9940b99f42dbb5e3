// One kind of photo. `props.value` is the name under which the server keeps it, '' for none. A refusal stays until
// the next try.
const box = element.querySelector('.mm-photo');
const [input, shown, remove] = ['input', 'img', '.remove'].map(which => box.querySelector(which));
const [reading, refusal] = ['.reading', '.refusal'].map(which => box.querySelector(which));
const at = path => new URL(`gradio_api/${path}`, document.baseURI).href;
let last = 0;

function show() {
  const name = props.value;
  shown.hidden = remove.hidden = !name;
  box.querySelector('.drop').hidden = !!name;
  box.toggleAttribute('data-full', !!name);
  if (name) shown.src = at(`file=${encodeURIComponent(name)}`);
  else shown.removeAttribute('src');
}

function change(name) {
  props.value = name;
  show();
  document.dispatchEvent(new Event('mm-edit'));
}

function refuse(sentence) {
  refusal.hidden = !sentence;
  refusal.textContent = sentence && sentence[0].toUpperCase() + sentence.slice(1) + (/[.!?]$/.test(sentence) ? '' : '.');
}

async function take(file) {
  const mine = ++last;
  change('');
  refuse('');
  reading.textContent = props.words.reading;
  const uploading = window.mmskin.upload(file);
  document.dispatchEvent(new CustomEvent('mm-upload', {detail: uploading}));
  const [name, sentence] = await uploading;
  if (mine !== last) return;
  reading.textContent = '';
  refuse(sentence);
  if (name) change(name);
}

input.addEventListener('change', () => {
  const [file] = input.files;
  input.value = '';
  if (file) take(file);
});

remove.addEventListener('click', () => {
  last++;
  change('');
  input.focus();
});

box.addEventListener('dragover', event => { event.preventDefault(); box.classList.add('over'); });
box.addEventListener('dragleave', () => box.classList.remove('over'));
box.addEventListener('drop', event => {
  event.preventDefault();
  box.classList.remove('over');
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});

// A pasted picture goes where none is yet.
document.addEventListener('paste', event => {
  const [file] = event.clipboardData.files;
  const free = document.querySelector('.mm-photo:not([data-full])') ?? document.querySelector('.mm-photo');
  if (file && free === box) take(file);
});

watch('value', () => {
  last++;
  refuse('');
  reading.textContent = '';
  show();
  document.dispatchEvent(new Event('mm-edit'));
});
show();
