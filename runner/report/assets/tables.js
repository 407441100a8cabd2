// Tables that are sorted by a column, and coloured tables that the arrow keys walk through.
(() => {
  function sortBy(table, column, direction) {
    const body = table.tBodies[0];
    const key = (row) => {
      const cell = row.cells[column];
      return cell.classList.contains("number") ? Number(cell.dataset.value ?? NaN) : cell.textContent;
    };
    const compare = (one, other) => {
      const [a, b] = [key(one), key(other)];
      if (typeof a === "string") return direction * a.localeCompare(b);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);  // what is missing comes last
      return direction * (a - b);
    };
    body.append(...[...body.rows].sort(compare));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = report.make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const first = head.classList.contains("number") ? "descending" : "ascending";
        const second = first === "descending" ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? second : first;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        sortBy(table, column, order === "ascending" ? 1 : -1);
      });
    });
  }

  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  for (const table of document.querySelectorAll("table.heat")) {
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].filter((cell) => cell.tagName === "TD"));
    const cells = rows.flat();
    table.setAttribute("role", "grid");
    for (const cell of cells) { cell.setAttribute("role", "gridcell"); cell.tabIndex = -1; }
    if (cells.length) cells[0].tabIndex = 0;
    table.addEventListener("focusin", (event) => {
      if (!cells.includes(event.target)) return;
      for (const cell of cells) cell.tabIndex = cell === event.target ? 0 : -1;
    });
    table.addEventListener("keydown", (event) => {
      const row = rows.findIndex((each) => each.includes(event.target));
      if (row < 0) return;
      if (event.key in steps) {
        const [down, right] = steps[event.key];
        const next = rows[row + down]?.[rows[row].indexOf(event.target) + right];
        if (next) { next.focus(); report.say(next.dataset.tip ?? ""); }
        event.preventDefault();
      } else if (event.key === "Enter" || event.key === " ") {
        event.target.click();
        event.preventDefault();
      }
    });
  }
})();
