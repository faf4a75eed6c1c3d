/** Copies the one element of a template of the page. */
export function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
