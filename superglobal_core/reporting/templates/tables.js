// Tables with `data-tools`: sort by a column, filter rows, choose columns, copy what is shown.
// Without this script the same tables stand there, whole, in the order they were written in.
(() => {
  "use strict";

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const words = (node) => node.textContent.replace(/\s+/g, " ").trim();
  const copied = (cell) => cell.dataset.copy ?? words(cell);

  // The heading of every column at every level: headings span columns and rows.
  const headings = (table) => {
    const grid = [];
    [...table.tHead.rows].forEach((row, level) => {
      grid[level] ??= [];
      let column = 0;
      for (const cell of row.cells) {
        while (grid[level][column]) column += 1;
        for (let down = 0; down < cell.rowSpan; down += 1) {
          grid[level + down] ??= [];
          for (let right = 0; right < cell.colSpan; right += 1) grid[level + down][column + right] = cell;
        }
        column += cell.colSpan;
      }
    });
    return grid;
  };

  const markdown = (rows) => {
    const escaped = rows.map((row) => row.map((text) => text.replace(/[\\`*_[\]<>|~&$]/g, "\\$&")));
    const line = (row) => `| ${row.join(" | ")} |`;
    return [line(escaped[0]), line(escaped[0].map(() => "---")), ...escaped.slice(1).map(line)].join("\n") + "\n";
  };
  const csv = (rows) =>
    rows.map((row) => row.map((text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)).join(",")).join("\n") + "\n";
  const special = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "%": "\\%", "#": "\\#", _: "\\_", "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "\\textquotedbl{}", "[": "{[}",
    "–": "--", "−": "$-$",
  };
  const latex = (rows) => {
    const line = (row) => row.map((text) => text.replace(/[\\{}$&%#_~^<>|"[–−]/g, (letter) => special[letter])).join(" & ") + " \\\\";
    return [
      "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}", `\\begin{tabular}{${"l".repeat(rows[0].length)}}`, "\\toprule",
      line(rows[0]), "\\midrule", ...rows.slice(1).map(line), "\\bottomrule", "\\end{tabular}", "",
    ].join("\n");
  };

  const toClipboard = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Some browsers lend the clipboard to pages from a server alone.
      const area = element("textarea", { value: text });
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("no clipboard");
    }
  };

  const enhance = (table) => {
    const grid = headings(table);
    const leaves = grid.at(-1);
    const body = table.tBodies[0];
    const original = [...body.rows];
    const hidden = new Set(leaves.flatMap((leaf, column) => (grid.some((level) => "hidden" in level[column].dataset) ? [column] : [])));
    const chosen = new Map(); // by column: the value that rows must have
    const status = element("span", { className: "status", role: "status" });
    const search = element("input", { type: "search", placeholder: "filter rows", autocomplete: "off" });
    search.setAttribute("aria-label", `filter rows of: ${table.dataset.tools}`);
    const name = (column) => [...new Set(grid.map((level) => words(level[column])))].filter(Boolean).join(" ");
    const names = leaves.map((_, column) => name(column));
    const cellOf = (row, column) => {
      // A cell may span: reasons stand across all figures.
      let place = 0;
      for (const cell of row.cells) {
        place += Number(cell.dataset.span ?? cell.colSpan);
        if (column < place) return cell;
      }
      return undefined;
    };

    const showRows = () => {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of original) {
        const text = words(row).toLowerCase();
        const kept =
          wanted.every((word) => text.includes(word)) &&
          [...chosen].every(([column, value]) => value === "" || words(cellOf(row, column)) === value);
        row.hidden = !kept;
        shown += kept;
      }
      status.textContent = shown === original.length ? `${shown} rows` : `${shown} of ${original.length} rows`;
    };

    const showColumns = () => {
      const counted = new Map();
      for (const level of grid)
        for (const cell of new Set(level)) {
          const mine = level.flatMap((other, column) => (other === cell ? [column] : []));
          counted.set(cell, mine.filter((column) => !hidden.has(column)).length);
        }
      for (const [cell, count] of counted) {
        cell.hidden = count === 0;
        cell.colSpan = Math.max(count, 1);
      }
      for (const row of original) {
        let column = 0;
        for (const cell of row.cells) {
          const span = Number((cell.dataset.span ??= cell.colSpan));
          const count = [...Array(span).keys()].filter((step) => !hidden.has(column + step)).length;
          cell.hidden = count === 0;
          cell.colSpan = Math.max(count, 1);
          column += span;
        }
      }
    };

    const sort = (column, button) => {
      const heading = button.closest("th");
      const turn = { none: "descending", descending: "ascending", ascending: "none" };
      const before = heading.getAttribute("aria-sort") ?? "none";
      let order = turn[before];
      // Names are looked for from A on.
      if (!original.some((row) => "sort" in (cellOf(row, column)?.dataset ?? {}))) order = { none: "ascending", ascending: "descending", descending: "none" }[before];
      for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      if (order === "none") {
        body.append(...original);
        return;
      }
      heading.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const keyed = original.map((row, place) => {
        const cell = cellOf(row, column);
        const figure = cell?.dataset.sort;
        const key = figure === undefined ? words(cell ?? row) : figure === "" ? null : Number(figure);
        return { row, place, key: cell && Number(cell.dataset.span ?? cell.colSpan) > 1 ? null : key };
      });
      keyed.sort((a, b) => {
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
        const compared = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key : String(a.key).localeCompare(String(b.key), "en");
        return sign * compared || a.place - b.place;
      });
      body.append(...keyed.map(({ row }) => row));
    };

    const shownRows = () => {
      const columns = leaves.map((_, column) => column).filter((column) => !hidden.has(column));
      const rows = [...body.rows].filter((row) => !row.hidden);
      return [columns.map((column) => names[column]), ...rows.map((row) => columns.map((column, place) => {
        const cell = cellOf(row, column);
        // What stands across several columns stands in the first of them.
        return cell && (place === 0 || cell !== cellOf(row, columns[place - 1])) ? copied(cell) : "–";
      }))];
    };

    leaves.forEach((leaf, column) => {
      const button = element("button", { type: "button", className: "sort" });
      button.append(...leaf.childNodes);
      leaf.append(button);
      button.addEventListener("click", () => sort(column, button));
    });

    const bar = element("div", { className: "tools" }, search);
    leaves.forEach((leaf, column) => {
      if (!("filter" in leaf.dataset)) return;
      const values = [...new Set(original.map((row) => words(cellOf(row, column))))];
      if (values.length < 2) return;
      const select = element("select", {}, element("option", { value: "", textContent: `${names[column]}: all` }));
      select.append(...values.map((value) => element("option", { value, textContent: value })));
      select.setAttribute("aria-label", `only rows with this ${names[column]}`);
      // `data-filter="Medium"`: shown first; all others are one choice away.
      if (values.includes(leaf.dataset.filter)) {
        select.value = leaf.dataset.filter;
        chosen.set(column, select.value);
      }
      select.addEventListener("change", () => {
        chosen.set(column, select.value);
        showRows();
      });
      bar.append(select);
    });
    const choices = element("div", { className: "choices" });
    names.forEach((text, column) => {
      if (column === 0) return;
      const box = element("input", { type: "checkbox", checked: !hidden.has(column) });
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(column);
        else hidden.add(column);
        showColumns();
      });
      choices.append(element("label", {}, box, ` ${text}`));
    });
    bar.append(element("details", { className: "columns-chosen" }, element("summary", { textContent: "Columns" }), choices));
    const copy = element("span", { className: "copy" }, "Copy as ");
    for (const [title, write] of [["Markdown", markdown], ["CSV", csv], ["LaTeX", latex]]) {
      const button = element("button", { type: "button", textContent: title });
      button.addEventListener("click", async () => {
        try {
          await toClipboard(write(shownRows()));
          status.textContent = `copied as ${title}`;
        } catch {
          status.textContent = "this browser gives no access to the clipboard";
        }
      });
      copy.append(button);
    }
    bar.append(copy, status);
    search.addEventListener("input", showRows);
    (table.closest(".scroll") ?? table).before(bar);
    showColumns();
    showRows();
  };

  for (const table of document.querySelectorAll("table[data-tools]")) enhance(table);
})();
