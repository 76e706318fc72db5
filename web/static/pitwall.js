// Pitwall's only script. Pages work without it; it renews what is marked data-live, and reads charts under the pointer.
(() => {
  'use strict';
  const SVG = 'http://www.w3.org/2000/svg';

  // ---- live: fetch this page again, and put its marked elements where the old ones are ----
  const seconds = Number(document.body.dataset.refresh || 0);
  const mark = document.querySelector('[data-live-mark]');
  const liveWords = mark ? mark.textContent : '';
  let timer = 0;
  let failures = 0;

  const FOCUSABLE = 'a[href],button,input,select,textarea,summary,[tabindex]';

  async function renew() {
    timer = 0;
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      swap(page);
      failures = 0;
      if (mark) { mark.textContent = liveWords; mark.classList.remove('stale'); }
    } catch (_) {
      failures += 1;
      if (mark) { mark.textContent = 'Connection lost, trying again'; mark.classList.add('stale'); }
    }
    schedule();
  }

  function swap(page) {
    const fresh = [...page.querySelectorAll('[data-live]')].filter(element => element.id);
    const known = [...document.querySelectorAll('[data-live]')].map(element => element.id).join();
    // A part that comes or goes (a GPU, a model) changes the page's shape: then the whole of it is renewed.
    if (fresh.map(element => element.id).join() !== known) {
      const main = page.getElementById('main');
      if (main) document.getElementById('main').replaceWith(document.adoptNode(main));
      hover();
      return;
    }
    for (const element of fresh) {
      const old = document.getElementById(element.id);
      if (!old) continue;
      // What somebody folded or unfolded stays so.
      for (const part of element.querySelectorAll('details[id]')) {
        const before = document.getElementById(part.id);
        if (before) part.open = before.open;
      }
      if (old.isEqualNode(element)) continue;
      const scrolled = [...old.querySelectorAll('.tw')].map(box => box.scrollLeft);
      const focused = [...old.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
      old.replaceWith(document.adoptNode(element));
      element.querySelectorAll('.tw').forEach((box, index) => { box.scrollLeft = scrolled[index] || 0; });
      if (focused >= 0) element.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
    }
    hover();
  }

  function schedule() {
    if (timer || !seconds) return;
    // After failures the pause doubles, to a minute at most.
    timer = setTimeout(renew, Math.min(60, seconds * 2 ** Math.min(failures, 6)) * 1000);
  }

  document.addEventListener('visibilitychange', () => { if (!document.hidden && seconds && !timer) renew(); });
  schedule();

  // ---- crosshair: the points are read back from the paths, so there is no second copy of the data ----
  const cache = new WeakMap();

  function points(path) {
    let found = cache.get(path);
    if (found) return found;
    found = [];
    for (const part of path.getAttribute('d').split('M').slice(1)) {
      const numbers = (part.match(/-?\d+(?:\.\d)?/g) || []).map(Number);
      if (part.includes('h')) numbers.pop();
      let x = 0, y = 0;
      for (let i = 0; i + 1 < numbers.length; i += 2) {
        x += numbers[i]; y += numbers[i + 1];
        found.push([x, y]);
      }
    }
    cache.set(path, found);
    return found;
  }

  function nearest(list, x) {
    let low = 0, high = list.length - 1;
    if (high < 0) return null;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle][0] < x) low = middle; else high = middle;
    }
    return x - list[low][0] < list[high][0] - x ? list[low] : list[high];
  }

  const grouped = text => text.replace(/^(-?\d+)/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ','));
  const two = n => String(n).padStart(2, '0');

  function moment(ms, span) {
    const d = new Date(ms);
    const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
    return span < 86400000 ? clock : `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${clock}`;
  }

  let pointer = null;
  let waiting = false;

  function hover() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function clear() {
    document.querySelectorAll('.hair-box,.tip.cur').forEach(node => node.remove());
  }

  function draw() {
    clear();
    if (!pointer) return;
    const target = document.elementFromPoint(pointer.x, pointer.y);
    const plot = target && target.closest('.plot[data-x]');
    if (!plot) return;
    const box = plot.querySelector('.pl').getBoundingClientRect();
    const at = (pointer.x - box.left) / box.width;
    if (at < 0 || at > 1) return;
    const [from, to, offset] = plot.dataset.x.split(' ').map(Number);
    const when = from + at * (to - from);
    for (const other of document.querySelectorAll('.plot[data-x]')) {
      const [a, b] = other.dataset.x.split(' ').map(Number);
      const x = (when - a) / (b - a);
      if (x >= 0 && x <= 1) hair(other, x);
    }
    tooltip(plot, box, at, when + offset * 1000, to - from);
  }

  function hair(plot, x) {
    const layer = document.createElementNS(SVG, 'svg');
    layer.setAttribute('class', 'pl hair-box');
    layer.setAttribute('viewBox', '0 0 1000 1000');
    layer.setAttribute('preserveAspectRatio', 'none');
    const line = document.createElementNS(SVG, 'path');
    line.setAttribute('class', 'hair');
    line.setAttribute('d', `M${(x * 1000).toFixed(1)} 0v1000`);
    layer.append(line);
    plot.querySelector('.pl').after(layer);
  }

  function tooltip(plot, box, at, local, span) {
    const [low, high] = plot.dataset.y.split(' ').map(Number);
    const [divisor, decimals] = plot.dataset.u.split(' ', 2).map(Number);
    const suffix = plot.dataset.u.split(' ').slice(2).join(' ');
    const stacked = plot.querySelector('.sa') !== null;
    const tip = document.createElement('div');
    tip.className = 'tip cur';
    const title = document.createElement('p');
    title.textContent = moment(local, span);
    const list = document.createElement('ul');
    let below = 1000;
    for (const group of plot.querySelectorAll('g[data-n]')) {
      const paths = [...group.querySelectorAll('.l')];
      if (!paths.length) continue;
      const point = nearest(paths.flatMap(points).sort((a, b) => a[0] - b[0]), at * 1000);
      const row = document.createElement('li');
      const swatch = document.createElement('i');
      swatch.className = 'sw ' + [...paths[0].classList].filter(name => /^s\d$/.test(name)).join(' ');
      const name = document.createElement('span');
      name.className = 'tru';
      name.textContent = group.dataset.n;
      const value = document.createElement('b');
      // Further than a twentieth of the window from any sample there is nothing to say.
      if (!point || Math.abs(point[0] - at * 1000) > 50) value.textContent = '–';
      else {
        const height = (stacked ? below - point[1] : 1000 - point[1]) / 1000;
        const number = (stacked ? height * (high - low) : low + height * (high - low)) / divisor;
        const text = grouped(number.toFixed(decimals).replace(/^-(?=[0.]*$)/, ''));
        value.textContent = suffix ? (suffix[0] === '%' ? text + suffix : `${text} ${suffix}`) : text;
        if (stacked) below = point[1];
      }
      row.append(swatch, name, value);
      list.append(row);
    }
    tip.append(title, list);
    plot.append(tip);
    const frame = plot.getBoundingClientRect();
    const left = pointer.x - frame.left;
    const flip = pointer.x + 14 + tip.offsetWidth > document.documentElement.clientWidth;
    const beside = flip ? left - 14 - tip.offsetWidth : left + 14;
    // Positions set through the object model are not inline styles to the content security policy.
    tip.style.left = Math.max(beside, 4 - frame.left) + 'px';
    tip.style.top = Math.min(pointer.y - frame.top + 10, Math.max(0, frame.height - tip.offsetHeight)) + 'px';
  }

  addEventListener('pointermove', event => { pointer = { x: event.clientX, y: event.clientY }; hover(); }, { passive: true });
  addEventListener('pointerdown', event => { pointer = { x: event.clientX, y: event.clientY }; hover(); }, { passive: true });
  document.documentElement.addEventListener('pointerleave', () => { pointer = null; hover(); });
  addEventListener('scroll', () => { if (pointer) { pointer = null; hover(); } }, { passive: true });

  // ---- the query field: Shift Enter runs ----
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && event.shiftKey && event.target.matches('textarea[name=expr]')) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
})();
