// What the page is made of, and the tips that show what stands behind a cell or a point.
"use strict";
const report = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const live = document.getElementById("live");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  // Texts come from files: they only ever become text nodes and attributes, never markup.
  function make(name, attributes = {}, ...children) {
    const space = name in svgNames ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
    const made = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  const svgNames = { svg: 1, g: 1, rect: 1, circle: 1, line: 1, polyline: 1, text: 1 };

  function showTip(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(x - box.width / 2, document.documentElement.clientWidth - box.width - 8));
    const above = y - box.height - 12;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : y + 20}px`;
  }
  const hideTip = () => { tip.hidden = true; };
  const say = (text) => { live.textContent = text; };

  for (const title of document.querySelectorAll("svg title")) {  // without a script the browser shows the title
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  const above = (target) => {
    const box = target.getBoundingClientRect();
    showTip(target.dataset.tip, box.left + box.width / 2, box.top);
  };
  document.addEventListener("pointerover", (event) => {
    const target = event.target.closest("[data-tip]");
    if (target) above(target); else hideTip();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-tip]:focus-visible")) above(event.target); else hideTip();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });

  // A box that scrolls can be reached with the keyboard; one that does not is not in the way.
  function markScrolling() {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  }
  window.addEventListener("resize", markScrolling);
  markScrolling();

  // The entry of the section that is being read.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const part of document.querySelectorAll("main > section")) watcher.observe(part);

  // On paper everything is open.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  window.addEventListener("afterprint", () => { for (const each of opened) each.open = false; });

  return { data, make, showTip, hideTip, say, still };
})();
