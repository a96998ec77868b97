// The reading page: keys 1 and 2, time of looking, zoom, window and level. Without this script the buttons still work.
"use strict";
(() => {
  const left = document.querySelector("[data-left]");
  if (left) {
    let seconds = Number(left.dataset.left);
    const tick = setInterval(() => {
      seconds = Math.max(0, seconds - 1);
      left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds === 0) { clearInterval(tick); location.reload(); }
    }, 1000);
  }
  const form = document.querySelector("[data-choose]");
  if (!form) return;
  const began = performance.now();
  let hidden = 0, since = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) since = performance.now();
    else if (since) { hidden += performance.now() - since; since = 0; }
  });
  form.addEventListener("submit", () => {
    form.elements.ms.value = Math.max(0, Math.round(performance.now() - began - hidden));
    // A second press while the first is on its way would judge the next item unseen.
    setTimeout(() => form.querySelectorAll("button").forEach((b) => { b.disabled = true; }), 0);
  });
  const show = document.querySelector(".show");
  const image = document.querySelector("[data-viewer] img");
  const view = { zoom: 1, x: 0, y: 0, level: 1, window: 1 };
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  // Two numbers, no picture: the window that suits one X-ray suits the next of the same panel.
  const kept = `window ${location.pathname}`;
  try { Object.assign(view, JSON.parse(sessionStorage.getItem(kept)) || {}); } catch { /* no storage: start plain */ }
  const draw = () => {
    if (!image) return;
    if (view.zoom === 1) view.x = view.y = 0;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
    image.style.filter = `brightness(${view.level}) contrast(${view.window})`;
    try { sessionStorage.setItem(kept, JSON.stringify({ level: view.level, window: view.window })); } catch { /* likewise */ }
  };
  const zoom = (by) => { view.zoom = clamp(view.zoom * by, 1, 12); };
  const turns = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(1 / 1.25),
    ArrowUp: () => { view.level = clamp(view.level + 0.1, 0.2, 4); },
    ArrowDown: () => { view.level = clamp(view.level - 0.1, 0.2, 4); },
    ArrowRight: () => { view.window = clamp(view.window + 0.1, 0.2, 6); },
    ArrowLeft: () => { view.window = clamp(view.window - 0.1, 0.2, 6); },
    "0": () => { Object.assign(view, { zoom: 1, x: 0, y: 0, level: 1, window: 1 }); },
  };
  const turn = (name) => { turns[name](); draw(); };
  const tools = document.querySelector("[data-tools]");
  if (tools && image) {
    tools.hidden = false;
    tools.querySelectorAll("[data-turn]").forEach((b) => b.addEventListener("click", () => turn(b.dataset.turn)));
    draw();
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.repeat && /^[12]$/.test(event.key))) return;
    const button = form.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (button) { event.preventDefault(); if (!button.disabled) button.click(); return; }
    const inField = event.target instanceof HTMLInputElement; // arrows choose how sure one is
    if (image && turns[event.key] && !inField) { event.preventDefault(); turn(event.key); }
  });
  // Swipe: right is real, left is synthetic. Dragging moves a picture that is zoomed; two fingers zoom it.
  const fingers = new Map();
  let from = null, apart = 0, pinched = false;
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  show.addEventListener("pointerdown", (e) => {
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 1) pinched = false;
    if (fingers.size === 2) { apart = spread(); pinched = true; }
    from = { x: e.clientX, y: e.clientY, ox: view.x, oy: view.y };
  });
  show.addEventListener("pointermove", (e) => {
    if (!fingers.has(e.pointerId)) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 2 && image) {
      const now = spread();
      if (apart > 0) zoom(now / apart);
      apart = now;
      draw();
    } else if (from && view.zoom > 1) {
      view.x = from.ox + e.clientX - from.x;
      view.y = from.oy + e.clientY - from.y;
      draw();
    }
  });
  const lifted = (e) => {
    const swiped = from && !pinched && view.zoom === 1 && e.type === "pointerup" && e.pointerType === "touch";
    if (swiped) {
      const dx = e.clientX - from.x, dy = e.clientY - from.y;
      const button = form.querySelector(`[data-key="${dx > 0 ? 1 : 2}"]`);
      if (Math.abs(dx) > 90 && Math.abs(dx) > 2 * Math.abs(dy) && !button.disabled) button.click();
    }
    fingers.delete(e.pointerId);
    from = null;
  };
  show.addEventListener("pointerup", lifted);
  show.addEventListener("pointercancel", lifted);
  show.addEventListener("wheel", (e) => {
    if (!image) return;
    e.preventDefault();
    turn(e.deltaY < 0 ? "+" : "-");
  }, { passive: false });
})();
