"use strict";
// The address says what is shown: #name of a photograph, or #page-2 of the grid. So links and the back button work.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = data.names.length;
  const numbers = new Map();
  data.names.forEach((name, number) => { if (!numbers.has(name)) numbers.set(name, number); });
  const element = (id) => document.getElementById(id);
  const grid = element("grid");
  const size = Number(grid.dataset.size);
  const title = document.title;
  let last = null;
  let matches = data.names.map((_, number) => number);

  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const address = (number) => "#" + encodeURIComponent(data.names[number]);
  const picture = (number) => make("a", { href: address(number) },
    make("img", { loading: "lazy", decoding: "async", src: data.thumbnails[number], alt: data.names[number] }));
  const caption = (number) => {
    const made = make("span", { className: "name", title: data.names[number] },
      data.names[number].split("/").pop());
    made.setAttribute("aria-hidden", "true");
    return made;
  };
  const pageOf = (number) => Math.floor(Math.max(0, matches.indexOf(number)) / size) + 1;

  function moved(was, now, told) {
    if (was === now) return make("p", { className: "moved" }, "= same place");
    const up = now < was;
    return make("p", { className: "moved " + (up ? "gain" : "loss") },
      (up ? "▲ up " : "▼ down ") + Math.abs(was - now) + ", " + told);
  }

  function row(list, neighbours, scores, marks) {
    list.replaceChildren(...neighbours.map((neighbour, place) => make("li", {},
      picture(neighbour),
      make("p", { className: "place-line" },
        make("b", {}, String(place + 1)), make("span", {}, (scores[place] / 1000).toFixed(3))),
      marks(place),
      caption(neighbour))));
  }

  function showQuery(number) {
    const name = data.names[number];
    element("query-name").textContent = name;
    element("query-picture").src = data.thumbnails[number];
    element("query-picture").alt = "The query: " + name;
    element("query-link").href = data.links[number];
    element("query-link").title = "Open the photograph itself";
    element("back").href = "#page-" + pageOf(number);
    element("previous").href = address((number + count - 1) % count);
    element("next").href = address((number + 1) % count);
    const { now, was } = data;
    row(element("before"), data.before[number], data.before_scores[number],
      (place) => moved(place + 1, now[number][place], "now " + now[number][place]));
    row(element("after"), data.after[number], data.after_scores[number],
      (place) => moved(was[number][place], place + 1, "was " + was[number][place]));
    element("all").hidden = true;
    element("query").hidden = false;
    document.title = name + " – " + title;
    last = number;
    window.scrollTo(0, 0);
    element("query").scrollIntoView();
    element("query-name").focus({ preventScroll: true });
  }

  function showPage(page, returned) {
    const pages = Math.max(1, Math.ceil(matches.length / size));
    page = Math.min(Math.max(1, page), pages);
    grid.replaceChildren(...matches.slice((page - 1) * size, page * size).map((number) => {
      const link = picture(number);
      link.dataset.number = number;
      return make("li", {}, link, caption(number));
    }));
    // The first, the last and those around this one: few enough to step through with the keyboard.
    const near = Array.from({ length: pages }, (_, other) => other + 1)
      .filter((other) => other === 1 || other === pages || Math.abs(other - page) <= 3);
    for (const pager of document.querySelectorAll(".pager")) {
      pager.hidden = pages === 1;
      pager.replaceChildren(...near.map((other, place) => {
        const link = make("a", { href: "#page-" + other }, String(other));
        if (other === page) link.setAttribute("aria-current", "page");
        const gap = place > 0 && other - near[place - 1] > 1 ? "… " : "";
        return make("li", {}, gap, other === page ? make("b", {}, link) : link);
      }));
    }
    element("query").hidden = true;
    element("all").hidden = false;
    document.title = title;
    if (returned) {
      const link = grid.querySelector(`[data-number="${last}"]`);
      (link || element("all-heading")).focus();
    }
  }

  function show(returned) {
    const raw = location.hash.slice(1);
    let name = raw;
    try { name = decodeURIComponent(raw); } catch { /* not ours: taken as it is */ }
    if (numbers.has(name)) return showQuery(numbers.get(name));
    if (raw && document.getElementById(raw)) {
      if (element("query").hidden && element("all").hidden) showPage(1, false);
      return undefined;
    }
    const page = /^page-(\d+)$/.exec(raw);
    return showPage(page ? Number(page[1]) : 1, returned);
  }

  element("find").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    matches = data.names.map((_, number) => number)
      .filter((number) => data.names[number].toLowerCase().includes(wanted));
    element("found").textContent = wanted ? matches.length + " of " + count + " photographs" : "";
    history.replaceState(null, "", "#page-1");
    showPage(1, false);
  });
  document.querySelector(".find").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (element("query").hidden || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const link = { ArrowLeft: "previous", ArrowRight: "next", Escape: "back" }[event.key];
    if (!link) return;
    event.preventDefault();
    location.hash = new URL(element(link).href).hash;
  });
  window.addEventListener("hashchange", () => show(last !== null));
  show(false);
}
