const TAGS = new Set([
  "p", "br", "ul", "ol", "li", "blockquote", "h5", "strong", "em", "s", "hr", "code", "pre", "span", "mark", "div",
  "button", "table", "thead", "tbody", "tr", "th", "td",
]);

function made(node, clicked) {
  if (typeof node === "string") return document.createTextNode(node);
  const element = document.createElement(TAGS.has(node.tag) ? node.tag : "span");
  if (node.cls) element.className = node.cls;
  if (node.says) {
    element.title = node.says;
    element.setAttribute("aria-label", node.says);
  }
  for (const [name, value] of Object.entries(node.style ?? {})) element.style.setProperty(name, value);
  if (node.does) {
    element.type = "button";
    element.addEventListener("click", () => clicked(node.does));
  }
  element.append(...(node.children ?? []).map((child) => made(child, clicked)));
  return element;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".inert");
  const shown = JSON.stringify(data);
  if (root.dataset.shown === shown) return;
  root.dataset.shown = shown;
  root.replaceChildren(...data.nodes.map((node) => made(node, (what) => setTriggerValue("clicked", what))));
  if (data.toMark) root.querySelector("mark")?.scrollIntoView({ block: "center" });
}
