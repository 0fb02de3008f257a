// Search summaries are fetched page by page, which a browser refuses on file://.
// There the results are shown without them, and the search stays offline.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// On paper nothing can be opened: folds are printed open, and closed again afterward,
// but for the code that draws a figure. And paper is white, whatever the screen is.
const opened = [];
let theme;
addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  for (const fold of document.querySelectorAll(".bd-article details:not([open], .hide)")) {
    fold.open = true;
    opened.push(fold);
  }
});
addEventListener("afterprint", () => {
  for (const fold of opened.splice(0)) fold.open = false;
  document.documentElement.dataset.theme = theme;
});

// The contents follow the reader: the section being read is in sight in the sidebar.
addEventListener("DOMContentLoaded", () => {
  const bar = document.querySelector(".bd-sidebar-secondary");
  const follow = () => {
    const link = [...bar.querySelectorAll(".nav-link.active")].pop();
    const at = link?.getBoundingClientRect(), seen = bar.getBoundingClientRect();
    if (at && (at.top < seen.top || at.bottom > Math.min(seen.bottom, innerHeight))) {
      bar.scrollTop += at.top - seen.top - bar.clientHeight / 3;
    }
  };
  const how = { subtree: true, attributes: true, attributeFilter: ["class"] };
  if (bar) new MutationObserver(follow).observe(bar, how);
});

// The theme marks a section when it sees the heading come by, and who scrolls fast leaps
// over headings. So when the page has come to rest, its place decides: the last heading
// in the upper third, as the theme has it. At the page's end, where not every section
// can get there, the one that was asked for stays.
addEventListener("scrollend", () => {
  const links = [...document.querySelectorAll("#pst-page-toc-nav a")];
  const asked = links.find((link) => link.matches(".active") && link.hash === location.hash);
  const rest = document.documentElement.scrollHeight - innerHeight - scrollY;
  if (!links.length || (asked && rest < 2)) return;
  const above = (link) => {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const heading = section?.querySelector(":is(h1, h2, h3, h4)") ?? section;
    return heading?.getBoundingClientRect().top < 0.3 * innerHeight;
  };
  const read = links.findLast(above) ?? links[0];
  for (const link of links) {
    link.classList.toggle("active", link === read);
    if (link === read) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const entry of document.querySelectorAll("#pst-page-toc-nav .toc-entry")) {
    entry.classList.toggle("active", entry.contains(read));
  }
});

// A link into a fold opens it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const inside = target?.querySelector(":scope > .exercise-body");
  if (inside) inside.open = true;
  for (let fold = target; (fold = fold?.parentElement?.closest("details")); ) {
    fold.open = true;
  }
  if (target?.closest("details")) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("DOMContentLoaded", reveal);
