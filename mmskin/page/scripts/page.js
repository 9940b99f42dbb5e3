// Which case the answer on the screen is of. Every edit makes another case; the server writes into each answer the
// number of the case that it was asked, so an answer that comes late is told from one of the case in the form.
words => {
  const byId = id => document.getElementById(id);
  const [answer, why, ask, clear, line, failure] = ['answer', 'why', 'ask', 'clear', 'line', 'failure'].map(byId);
  const said = line.querySelector('p');
  const uploads = new Set();
  let edition = 1, cleared = 0, asked = 0, focusOn = 0;

  function edit() {
    edition++;
    show();
  }

  function show() {
    const of = Number(answer.querySelector('[data-case]')?.dataset.case ?? 0);
    const kept = Number(byId('kept')?.querySelector('[data-case]')?.dataset.case ?? 0);
    const state = !of ? 'none' : of < cleared ? 'gone' : of === edition ? 'current' : 'old';
    if (of === asked) asked = 0;
    Object.assign(document.body.dataset, {answer: state, kept: kept === edition});
    const now = asked ? words.asking : state === 'old' ? words.old : '';
    if (said.textContent !== now) said.textContent = now;
    for (const link of why.querySelectorAll('a.save')) enable(link, state === 'current');
    if (of && of === focusOn) focusAnswer();
  }

  // A link without an address can be neither clicked nor reached by keys.
  function enable(link, on) {
    if (on && link.dataset.address) {
      link.href = link.dataset.address;
      delete link.dataset.address;
      link.removeAttribute('aria-disabled');
    } else if (!on && link.hasAttribute('href')) {
      link.dataset.address = link.href;
      link.removeAttribute('href');
      link.setAttribute('aria-disabled', 'true');
    }
  }

  function focusAnswer() {
    focusOn = 0;
    const place = answer.querySelector('h2, h3, [role=alert]');
    if (!place) return;
    place.tabIndex = -1;
    place.focus({preventScroll: true});
    const {top, bottom} = place.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight / 2) byId('result').scrollIntoView({block: 'start'});
  }

  function fail(sentence) {
    asked = focusOn = 0;
    const place = failure.querySelector('[role=alert]');
    place.textContent = sentence && sentence[0].toUpperCase() + sentence.slice(1) + (/[.!?]$/.test(sentence) ? '' : '.');
    place.hidden = !sentence;
    show();
  }

  const fetched = window.fetch.bind(window);
  window.mmskin = {
    // What the form holds, with the number of its case last.
    asking(given, byPerson) {
      fail('');
      asked = edition;
      if (byPerson) focusOn = edition;
      show();
      return [...given.slice(0, -1), edition];
    },
    keeping: given => [...given.slice(0, -1), edition],
    upload,
  };

  // The name under which the server keeps a photo, or '' and why it does not, and after how many seconds it might.
  async function upload(file) {
    if (file.size > words.limit) return ['', words.large, 0];
    const body = new FormData();
    body.append('files', file, 'photo');  // the file's own name often is the patient's
    let answer;
    try {
      answer = await fetched(new URL('gradio_api/upload', document.baseURI), {method: 'POST', body});
    } catch {
      return ['', words.gone, 0];
    }
    if (!answer.ok) return ['', await answer.text(), Number(answer.headers.get('retry-after') ?? 0)];
    const [path] = await answer.json();
    return [path.split(/[\\/]/).pop(), '', 0];
  }

  // A question that the server refuses, in its own words.
  window.fetch = async (...given) => {
    const isQuestion = String(given[0]?.url ?? given[0]).includes('/queue/join');
    try {
      const response = await fetched(...given);
      if (isQuestion && !response.ok) response.clone().text().then(fail);
      return response;
    } catch (error) {
      if (isQuestion) fail(words.gone);
      throw error;
    }
  };

  new MutationObserver(show).observe(byId('result'),
    {childList: true, subtree: true, characterData: true, attributeFilter: ['data-case']});
  document.addEventListener('mm-edit', edit);
  byId('text').addEventListener('input', edit);
  document.querySelector('.examples')?.addEventListener('click', edit);
  clear.addEventListener('click', () => {
    cleared = edition + 1;
    fail('');
    edit();
  });

  // An answer waits for a photo that is on its way; where it is refused, the refusal stands and nothing is asked.
  document.addEventListener('mm-upload', ({detail: upload}) => {
    uploads.add(upload);
    upload.finally(() => uploads.delete(upload));
  });
  ask.addEventListener('click', async event => {
    if (!uploads.size) return;
    event.stopImmediatePropagation();
    const taken = await Promise.all(uploads);
    if (taken.every(([name]) => name)) setTimeout(() => ask.click());
  }, true);

  document.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.isComposing) return;
    const inLine = event.target.matches('#history input[type=text]') && !event.altKey;
    const inText = event.target.matches('#text textarea') && (event.ctrlKey || event.metaKey);
    if (!inLine && !inText) return;
    event.preventDefault();
    event.stopPropagation();
    ask.click();
  }, true);

  // What was understood from the free text is offered in the answer; a click takes it over into the form.
  document.addEventListener('click', event => {
    const fact = event.target.closest('#answer [data-field][data-value]');
    if (!fact) return;
    const {field, value} = fact.dataset;
    document.querySelector('#history .mm-form').dispatchEvent(
      new CustomEvent('mm-set', {bubbles: true, detail: {field, value}}));
  });

  // One stop of the tab key for all examples; arrows go on from there.
  const examples = [...document.querySelectorAll('.examples button')];
  const moveTo = button => examples.forEach(other => { other.tabIndex = other === button ? 0 : -1; });
  moveTo(examples[0]);
  examples.forEach((button, at) => button.addEventListener('keydown', event => {
    const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    moveTo(examples.at(to % examples.length));
    examples.at(to % examples.length).focus();
  }));

  for (const [place, name] of [[answer, words.answer], [why, words.why]]) {
    place.setAttribute('role', 'region');
    place.setAttribute('aria-label', name);
  }
  show();
}
