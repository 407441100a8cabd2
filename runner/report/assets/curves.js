// Values of learning curves where somebody points, or goes with the arrow keys.
(() => {
  for (const drawing of document.querySelectorAll("svg[data-chart]")) {
    const chart = report.data.charts[Number(drawing.dataset.chart)];
    const cursor = drawing.querySelector(".cursor");
    const places = [...new Set(chart.series.flatMap((each) => each.x))].sort((a, b) => a - b);
    let at = places.length - 1;
    drawing.tabIndex = 0;

    const toDrawing = (value) => {
      const part = (value - chart.x.low) / (chart.x.high - chart.x.low);
      return chart.x.left + part * (chart.x.right - chart.x.left);
    };
    const nearest = (list, value) =>
      list.reduce((best, each, index) => (Math.abs(each - value) < Math.abs(list[best] - value) ? index : best), 0);

    function show(index) {
      at = index;
      const value = places[index];
      // Learners are evaluated at their own times: each is read where it is nearest.
      const lines = chart.series.map((each) => `${each.name}: ${each.shown[nearest(each.x, value)]}`);
      const x = toDrawing(value);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.visibility = "visible";
      const box = drawing.getBoundingClientRect();
      const text = [`${chart.x.label}: ${value.toLocaleString("en")}`, ...lines].join("\n");
      report.showTip(text, box.left + (x / chart.width) * box.width, box.top);
      return text;
    }
    function hide() {
      cursor.style.visibility = "hidden";
      report.hideTip();
    }

    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.width;
      const part = (x - chart.x.left) / (chart.x.right - chart.x.left);
      show(nearest(places, chart.x.low + part * (chart.x.high - chart.x.low)));
    });
    drawing.addEventListener("pointerleave", hide);
    drawing.addEventListener("blur", hide);
    drawing.addEventListener("keydown", (event) => {
      const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: places.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      report.say(show(Math.max(0, Math.min(places.length - 1, next))));
    });
  }
})();
