// Tables that are sorted by a column, and heat maps that the arrow keys walk through.
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
  for (const map of document.querySelectorAll("svg:has([data-cell])")) {
    const cells = [...map.querySelectorAll("[data-cell]")];
    const at = (row, column) => cells.find((cell) => cell.dataset.cell === `${row} ${column}`);
    map.setAttribute("role", "group");
    for (const cell of cells) {
      cell.setAttribute("role", "button");
      cell.setAttribute("aria-label", cell.dataset.tip);
      cell.setAttribute("tabindex", "-1");
    }
    if (cells.length) cells[0].setAttribute("tabindex", "0");
    map.addEventListener("focusin", (event) => {
      for (const cell of cells) cell.setAttribute("tabindex", cell === event.target ? "0" : "-1");
    });
    map.addEventListener("keydown", (event) => {
      if (event.key in steps) {
        const [row, column] = event.target.dataset.cell.split(" ").map(Number);
        const next = at(row + steps[event.key][0], column + steps[event.key][1]);
        if (next) { next.focus(); report.say(next.dataset.tip); }
        event.preventDefault();
      } else if (event.key === "Enter" || event.key === " ") {
        event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        event.preventDefault();
      }
    });
  }
})();
