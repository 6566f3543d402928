/** Moves the slider through the grids of a run, stops and starts its animation. Plain script: the page has to work from a file, years from now. */
export const SCRIPT = `
(() => {
  const source = document.getElementById('frames');
  if (!source) return;
  const frames = JSON.parse(source.textContent);
  const image = document.getElementById('frame'), slider = document.getElementById('time');
  const when = document.getElementById('when'), after = document.getElementById('after');
  const button = document.getElementById('play'), shape = button.querySelector('path');
  const PLAY = 'M4 2l12 7-12 7z', PAUSE = 'M3 2h4v14H3zM11 2h4v14h-4z';
  let timer = null;
  const show = (i) => {
    slider.value = i;
    image.src = 'data:image/png;base64,' + frames[i].png;
    image.alt = 'Particles after iteration ' + frames[i].iteration;
    when.textContent = 'Iteration ' + frames[i].iteration.toLocaleString('en-US');
    after.textContent = frames[i].caption;
    slider.setAttribute('aria-valuetext', 'iteration ' + frames[i].iteration);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    shape.setAttribute('d', PLAY);
    button.setAttribute('aria-label', 'Play');
  };
  const play = () => {
    if (Number(slider.value) >= frames.length - 1) show(0);
    shape.setAttribute('d', PAUSE);
    button.setAttribute('aria-label', 'Pause');
    timer = setInterval(() => {
      const next = Number(slider.value) + 1;
      if (next >= frames.length) return pause();
      show(next);
    }, Math.max(90, Math.min(400, 6000 / frames.length)));
  };
  button.addEventListener('click', () => (timer === null ? play() : pause()));
  slider.addEventListener('input', () => { pause(); show(Number(slider.value)); });
  document.getElementById('film').hidden = false;
})();
(() => {
  const moving = document.getElementById('moving');
  if (!moving) return;
  const source = moving.parentNode.querySelector('source'), still = source.getAttribute('srcset'), film = moving.getAttribute('src');
  const button = document.getElementById('move'), shape = button.querySelector('path'), state = document.getElementById('moving-state');
  const bytes = Uint8Array.from(atob(film.slice(film.indexOf(',') + 1)), (c) => c.charCodeAt(0));
  let playing = !matchMedia('(prefers-reduced-motion: reduce)').matches, address = null;
  const show = () => {
    if (address) URL.revokeObjectURL(address);
    // An address that was not shown before begins with the first frame.
    address = playing ? URL.createObjectURL(new Blob([bytes], { type: 'image/webp' })) : null;
    moving.src = address || still;
    shape.setAttribute('d', playing ? 'M3 3h12v12H3z' : 'M4 2l12 7-12 7z');
    button.setAttribute('aria-label', playing ? 'Stop' : 'Play from the start');
    state.textContent = playing ? 'again and again, from the start' : 'where particles ended';
  };
  button.addEventListener('click', () => { playing = !playing; show(); });
  source.remove();
  document.getElementById('moving-save').href = film;
  show();
  document.getElementById('moving-controls').hidden = false;
})();
`;
