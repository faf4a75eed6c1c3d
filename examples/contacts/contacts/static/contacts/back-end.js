/** What the page asks of Django. */

/** Gives a list as it is now. */
export async function getList(url, path) {
  return ask(`${url}?${new URLSearchParams({ path })}`);
}

/** Posts fields. Resolves with the answer, which has `errors` by field when they were wrong. */
export async function post(url, fields) {
  const headers = { 'X-CSRFToken': cookie('csrftoken') };
  return ask(url, { method: 'POST', headers, body: new URLSearchParams(fields) });
}

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Error('The server cannot be reached.');
  }
  // Django sends whoever is not logged in to another page.
  if (response.redirected) throw new Error('You are no longer logged in: reload the page.');
  if (response.status === 404) throw new Error('This contact is no longer there.');
  if (!response.ok && response.status !== 400) throw new Error(`The server answered ${response.status}.`);
  return response.json();
}

function cookie(name) {
  const entry = document.cookie.split('; ').find((each) => each.startsWith(`${name}=`));
  return entry?.slice(name.length + 1) ?? '';
}
