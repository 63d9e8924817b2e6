/** Style and script of the results page. */

export const pageStyle = `
:root { color-scheme: light dark; --ink: light-dark(#1d1d1f, #ececef); --soft: light-dark(#62626b, #a2a2ad); --paper: light-dark(#fbfbfc, #131316); --card: light-dark(#fff, #1c1c21); --line: light-dark(#e1e1e6, #33333b); --accent: light-dark(#b3410e, #ff9d5c); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
.lead, footer p { color: var(--soft); margin: 6px 0 14px; max-width: 75ch; }
.settings { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0 0 14px; padding: 10px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; font-size: 14px; }
.settings div { display: flex; gap: 6px; }
dt { color: var(--soft); } dd { margin: 0; font-weight: 550; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 24px; margin: 0 0 18px; font-size: 14px; }
.tools input[type=search] { font: inherit; padding: 5px 9px; width: 220px; color: inherit; background: var(--card); border: 1px solid light-dark(#85858f, #7d7d88); border-radius: 6px; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: 14px; align-items: center; }
fieldset legend { float: left; margin-right: 0; color: var(--soft); padding: 0; }
fieldset label { display: inline-flex; gap: 5px; min-height: 24px; align-items: center; }
output { color: var(--soft); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px 18px; margin: 0 0 18px; content-visibility: auto; contain-intrinsic-size: auto 420px; }
h2 { font-size: 16px; margin: 0 0 10px; overflow-wrap: anywhere; }
h3 { font-size: 15px; line-height: 20px; margin: 0 0 6px; } .first { padding-top: 26px; } h3 small { color: var(--soft); font-weight: 400; font-size: inherit; }
.body { display: grid; grid-template-columns: 320px 1fr; gap: 8px 28px; }
.classes { display: flex; flex-direction: column; gap: 20px; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: 13px; margin-top: 2px; }
.pictures { display: flex; flex-wrap: wrap; gap: 16px; }
.pictures figure, .first figure { width: min(320px, 100%); } .pictures .figure { width: min(656px, 100%); }
.first figure { margin-bottom: 12px; }
.enlarge { display: block; width: 100%; padding: 0; border: 0; border-radius: 6px; overflow: hidden; background: none; cursor: zoom-in; }
.enlarge img { outline: 1px solid var(--line); outline-offset: -1px; display: block; width: 100%; height: auto; image-rendering: pixelated; } .picture img, .pictures .figure img { image-rendering: auto; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.bars { max-width: 320px; list-style: none; margin: 0; padding: 0; font-size: 14px; }
.bars li { display: grid; grid-template-columns: 1fr auto; column-gap: 10px; margin-bottom: 5px; }
.bars .share { font-variant-numeric: tabular-nums; color: var(--soft); } .bars .shown .name { font-weight: 650; }
.gauge { grid-column: 1 / -1; height: 6px; background: var(--line); border-radius: 3px; overflow: hidden; } .gauge span { display: block; height: 100%; background: var(--accent); }
.legend { margin-top: 8px; max-width: 656px; } .bar { height: 12px; border-radius: 3px; border: 1px solid var(--line); }
.ticks { position: relative; height: 20px; font-size: 13px; font-variant-numeric: tabular-nums; color: var(--soft); }
.ticks span { position: absolute; white-space: nowrap; transform: translateX(-50%); } .ticks span:first-child { transform: none; } .ticks span:last-child:not(:first-child) { transform: translateX(-100%); }
.legend p { margin: 2px 0 0; font-size: 14px; overflow-wrap: anywhere; } .legend .how { color: var(--soft); font-size: 13px; margin-top: 4px; }
[data-view=overlay] .heatmap, [data-view=heatmap] .overlay { display: none; }
dialog { border: 1px solid var(--line); border-radius: 10px; padding: 14px; background: var(--card); color: inherit; max-width: 96vw; } dialog::backdrop { background: rgb(0 0 0 / 70%); }
dialog img { display: block; width: min(82vh, 92vw); height: auto; max-height: 82vh; object-fit: contain; image-rendering: pixelated; } dialog figcaption { max-width: min(82vh, 92vw); margin: 8px 0; }
dialog button { font: inherit; min-width: 44px; padding: 4px 12px; margin-right: 8px; color: inherit; background: none; border: 1px solid light-dark(#85858f, #7d7d88); border-radius: 6px; cursor: pointer; }
footer { padding-bottom: 32px; font-size: 14px; }
@media (max-width: 720px) { .body { grid-template-columns: 1fr; } .first { padding-top: 0; } header, main, footer { padding: 0 14px; } header { padding-top: 16px; } }
`;

export const pageScript = `
const articles = [...document.querySelectorAll("article")];
const find = document.getElementById("find"), found = document.getElementById("found");
const search = () => {
  const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const article of articles) {
    article.hidden = !words.every((word) => article.dataset.words.includes(word));
    if (!article.hidden) shown++;
  }
  found.textContent = words.length ? shown + " of " + articles.length : "";
};
find.addEventListener("input", search);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
for (const radio of document.querySelectorAll("[name=view]")) radio.addEventListener("change", () => { document.body.dataset.view = radio.value; });
const large = document.getElementById("large"), image = large.querySelector("img"), caption = large.querySelector("figcaption");
const buttons = () => [...document.querySelectorAll(".enlarge")].filter((button) => button.checkVisibility({ contentVisibilityAuto: false }));
let current;
const show = (button) => {
  if (!button) return;
  current = button;
  const small = button.querySelector("img");
  image.src = small.src; image.alt = small.alt; image.style.imageRendering = getComputedStyle(small).imageRendering; caption.textContent = small.alt;
  if (!large.open) large.showModal();
};
const step = (by) => { const all = buttons(); show(all[(all.indexOf(current) + by + all.length) % all.length]); };
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".enlarge")) show(button);
  else if (button?.value === "previous") step(-1);
  else if (button?.value === "next") step(1);
  else if (button?.value === "close" || event.target === large) large.close();
});
large.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
large.addEventListener("close", () => current?.focus());
`;
