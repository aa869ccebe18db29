// Charts answer to the pointer: tooltips, and names in legends that mute their series. The drawings that stand in
// the page stay where this cannot run, and on paper.
(() => {
  "use strict";
  const packed = document.getElementById("vega-runtime");
  const theme = JSON.parse(document.getElementById("vega-theme").textContent);
  const waiting = new Map();
  for (const specification of document.querySelectorAll("figure.drawing > script.vega")) {
    waiting.set(specification.parentElement.querySelector(".scroll"), specification);
  }
  if (!("DecompressionStream" in window) || !("IntersectionObserver" in window)) return;

  let runtime;
  function unpacked() {
    runtime ??= (async () => {
      const bytes = Uint8Array.from(atob(packed.textContent.trim()), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const script = document.createElement("script");
      script.textContent = await new Response(stream).text();
      document.head.append(script);
      return window.superglobalVega;
    })();
    return runtime;
  }

  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.hidden = true;
  document.body.append(bubble);
  document.addEventListener("scroll", () => { bubble.hidden = true; }, { capture: true, passive: true });

  function tell(_, event, item, value) {
    bubble.hidden = value === null || value === undefined || value === "";
    if (bubble.hidden) return;
    const rows = Object.entries(value).filter(([, text]) => !["", "null", "undefined", "NaN"].includes(String(text)));
    bubble.replaceChildren(...rows.map(([name, text]) => {
      const row = document.createElement("div");
      const strong = document.createElement("b");
      strong.textContent = text;
      row.append(`${name}: `, strong);
      return row;
    }));
    const { width, height } = bubble.getBoundingClientRect();
    const room = document.documentElement.clientWidth - width - 8;
    bubble.style.left = `${Math.max(8, Math.min(room, event.clientX + 14))}px`;
    const below = event.clientY + 16;
    bubble.style.top = `${below + height > window.innerHeight ? event.clientY - height - 12 : below}px`;
  }

  // The page's colours and letters, which follow light and dark by themselves.
  function themed(value) {
    if (typeof value === "string") return theme[value] ?? value;
    if (Array.isArray(value)) return value.map(themed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, themed(part)]));
    }
    return value;
  }

  // The legend for the keyboard: a button a name, seen while one of them has the focus.
  function switches(view, live) {
    const group = document.createElement("span");
    group.className = "mutes";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Mute series of the chart");
    const series = new Map();
    for (const name of live.querySelectorAll(".role-legend-label text")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = [...name.childNodes].map((line) => line.textContent).join(" ");
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => name.dispatchEvent(new MouseEvent("click", { bubbles: true })));
      series.set(String(name.__data__.datum.value), button);
      group.append(button);
    }
    // Muted by the pointer, too.
    view.addDataListener("mute_store", (_, muted) => {
      const chosen = muted.map((row) => String(row.values[0]));
      for (const [value, button] of series) button.setAttribute("aria-pressed", String(chosen.includes(value)));
    });
    return group;
  }

  async function mount(box, specification) {
    const vega = await unpacked();
    const still = box.querySelector("svg");
    const live = document.createElement("div");
    live.className = "live";
    live.setAttribute("role", "img");
    live.setAttribute("aria-label", box.getAttribute("aria-label"));
    const spec = themed(JSON.parse(specification.textContent));
    const view = new vega.View(vega.parse(spec, null, { ast: true }), {
      renderer: "svg", hover: true, expr: vega.expressionInterpreter, tooltip: tell,
    });
    view.initialize(live);
    box.append(live);
    try {
      await view.runAsync();
      const drawn = live.querySelector("svg");
      drawn.classList.add("chart");
      drawn.setAttribute("aria-hidden", "true");
      for (const side of ["width", "height", "style"]) drawn.removeAttribute(side);
      still.classList.add("still");
    } catch (error) {
      view.finalize();
      live.remove();
      throw error;
    }
    const mutes = specification.textContent.includes("mute_store");
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = "Point at a mark for its numbers" +
      (mutes ? ", click on a name in the legend to mute it. " : ". ");
    box.parentElement.querySelector(".files").before(hint);
    if (mutes) hint.after(switches(view, live));
    live.addEventListener("pointerleave", () => { bubble.hidden = true; });
  }

  theme[Object.keys(theme).find((name) => theme[name] === "inherit")] = getComputedStyle(document.body).fontFamily;
  const observer = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      mount(target, waiting.get(target)).catch((error) => {
        document.documentElement.dataset.chartsFailed = String(error);
      });
    }
  }, { rootMargin: "300px" });
  for (const box of waiting.keys()) observer.observe(box);
})();
