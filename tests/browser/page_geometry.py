"""What of a page is cut off, or covers something else, as the browser laid it out."""

from typing import Any

from tests.browser.chromium import Tab

# Text that a style hides, or that lies in a closed `details`, has no rectangle.
_MEASURE = """
(() => {
  const scrolls = (element) => {
    for (let at = element; at && at !== document.body; at = at.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const name = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') || ''}`
    + ` "${element.textContent.trim().slice(0, 40)}"`;
  const edge = document.documentElement.clientWidth + 0.5;
  const beyond = [], cut = [], words = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
    if (element.closest('title')) continue;
    for (const node of own) {
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const line of range.getClientRects())
        if (line.width && line.height)
          words.push({text: node.data.trim().slice(0, 30), x: line.left, y: line.top + scrollY,
                      right: line.right, bottom: line.bottom + scrollY});
    }
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if ((box.right > edge || box.left < -0.5) && !scrolls(element)) beyond.push(name(element));
    const style = getComputedStyle(element);
    if (['hidden', 'clip'].includes(style.overflowX) && element.tagName !== 'svg'
        && element.scrollWidth > element.clientWidth + 1) cut.push(name(element));
  }
  words.sort((one, two) => one.y - two.y);
  const covers = [];
  for (let i = 0; i < words.length; i++)
    for (let j = i + 1; j < words.length && words[j].y < words[i].bottom; j++) {
      const width = Math.min(words[i].right, words[j].right) - Math.max(words[i].x, words[j].x);
      const height = Math.min(words[i].bottom, words[j].bottom) - words[j].y;
      // Boxes of lines touch; the letters in them are two pixels away from their edges.
      if (width > 1 && height > 4) covers.push(`${words[i].text} | ${words[j].text}`);
    }
  const scrolled = [...document.querySelectorAll('.scrolls')]
    .filter((each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1)
    .map((each) => name(each.querySelector('table')));
  return {beyond, cut, covers, scrolled, words: words.length, page: document.documentElement.scrollWidth};
})()
"""


async def measured(tab: Tab) -> dict[str, Any]:
    """Return what is wrong with the page's layout.

    Returns
    -------
    dict
        ``beyond``: elements that reach over an edge of the window and are in nothing that scrolls. ``cut``:
        elements that hide a part of their text. ``covers``: pairs of texts of which one lies on the other.
        ``scrolled``: tables wider than their place. ``words``: how many lines of text were compared.
    """
    found: dict[str, Any] = await tab.ask(_MEASURE)
    return found
