// The reading page: keys 1 and 2, time of looking, zoom, window and level. Without this script the buttons still work.
"use strict";
(() => {
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
  const view = { zoom: 1, x: 0, y: 0, level: 1, window: 1 };
  const image = document.querySelector("[data-viewer] img");
  const draw = () => {
    if (!image) return;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
    image.style.filter = `brightness(${view.level}) contrast(${view.window})`;
  };
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  const turns = {
    "+": () => { view.zoom = clamp(view.zoom * 1.25, 1, 12); },
    "=": () => { view.zoom = clamp(view.zoom * 1.25, 1, 12); },
    "-": () => { view.zoom = clamp(view.zoom / 1.25, 1, 12); if (view.zoom === 1) view.x = view.y = 0; },
    ArrowUp: () => { view.level = clamp(view.level + 0.1, 0.2, 4); },
    ArrowDown: () => { view.level = clamp(view.level - 0.1, 0.2, 4); },
    ArrowRight: () => { view.window = clamp(view.window + 0.1, 0.2, 6); },
    ArrowLeft: () => { view.window = clamp(view.window - 0.1, 0.2, 6); },
    "0": () => { Object.assign(view, { zoom: 1, x: 0, y: 0, level: 1, window: 1 }); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && /^[12]$/.test(event.key)) return;
    const button = form.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (button) { event.preventDefault(); if (!button.disabled) button.click(); return; }
    if (image && turns[event.key]) { event.preventDefault(); turns[event.key](); draw(); }
  });
  // Swipe: right is real, left is synthetic; dragging moves a picture that is zoomed.
  let from = null;
  const show = document.querySelector(".show");
  show.addEventListener("pointerdown", (e) => { from = { x: e.clientX, y: e.clientY, ox: view.x, oy: view.y }; });
  show.addEventListener("pointermove", (e) => {
    if (from && view.zoom > 1) { view.x = from.ox + e.clientX - from.x; view.y = from.oy + e.clientY - from.y; draw(); }
  });
  show.addEventListener("pointerup", (e) => {
    if (from && view.zoom === 1 && e.pointerType === "touch") {
      const dx = e.clientX - from.x, dy = e.clientY - from.y;
      if (Math.abs(dx) > 90 && Math.abs(dx) > 2 * Math.abs(dy)) form.querySelector(`[data-key="${dx > 0 ? 1 : 2}"]`).click();
    }
    from = null;
  });
  show.addEventListener("wheel", (e) => {
    if (!image) return;
    e.preventDefault();
    turns[e.deltaY < 0 ? "+" : "-"]();
    draw();
  }, { passive: false });
  const left = document.querySelector("[data-left]");
  if (left) {
    let seconds = Number(left.dataset.left);
    setInterval(() => { seconds = Math.max(0, seconds - 1); left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`; }, 1000);
  }
})();
