// What a reader meets on a page, asked of the page as it is drawn. Every answer is a list of what is wrong.
() => {
  const wrong = [];
  const name = (node) => `<${node.tagName.toLowerCase()}> ${(node.textContent || node.alt || "").trim().slice(0, 40)}`;
  const shown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(shown).map((one) => Number(one.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) wrong.push(`${levels.filter((level) => level === 1).length} h1`);
  levels.forEach((level, place) => {
    if (place && level > levels[place - 1] + 1) wrong.push(`h${levels[place - 1]} is followed by h${level}`);
  });

  for (const image of document.images) if (!image.hasAttribute("alt")) wrong.push(`no alt: ${image.outerHTML.slice(0, 60)}`);
  for (const control of document.querySelectorAll("a[href], button, input, select, summary")) {
    if (!shown(control)) continue;
    const labels = [...(control.labels ?? [])].map((label) => label.textContent).join("");
    const inside = control.querySelector("img[alt]")?.alt ?? "";
    const own = control.tagName === "INPUT" || control.tagName === "SELECT" ? "" : control.textContent;
    if (!(control.getAttribute("aria-label") || labels || own || inside).trim()) wrong.push(`no label: ${control.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((one, place) => ids.indexOf(one) !== place))) wrong.push(`two elements are #${id}`);
  for (const node of document.querySelectorAll("[aria-labelledby]")) {
    for (const id of node.getAttribute("aria-labelledby").split(" ")) if (!document.getElementById(id)) wrong.push(`no #${id} to label by`);
  }

  // WCAG 2.2, 1.4.3: 4.5 to 1; 3 to 1 for large letters.
  const colour = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+(?:e-?\d+)?/g).map(Number);
    return text.startsWith("color(") ? [red * 255, green * 255, blue * 255, alpha] : [red, green, blue, alpha];
  };
  const over = (front, back) => [0, 1, 2].map((channel) => front[channel] * front[3] + back[channel] * (1 - front[3])).concat(1);
  const behind = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) layers.push(colour(getComputedStyle(one).backgroundColor));
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = (rgb) => rgb.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, channel) => sum + value * [0.2126, 0.7152, 0.0722][channel], 0);
  const told = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("svg, script, style, option, .skip") || !shown(node)) continue;
    const style = getComputedStyle(node);
    const back = behind(node);
    const key = `${style.color} on ${back.map(Math.round)} ${style.fontSize} ${style.fontWeight}`;
    if (told.has(key)) continue;
    told.add(key);
    const [one, other] = [light(over(colour(style.color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${key} ${name(node)}`);
  }
  return wrong;
}
