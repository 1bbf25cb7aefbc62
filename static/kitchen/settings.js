// What this screen has chosen, kept by its browser: size, keys, name.
const KEY = "kitchen";
const USUAL = {size: "M", keys: {}, shortcuts: true, safe: false, place: "", allday: true};

function read() {
  try {
    return {...USUAL, ...JSON.parse(localStorage.getItem(KEY) || "{}")};
  } catch {
    return {...USUAL}; // somebody else's text
  }
}

export const settings = read();

export function keep(changes) {
  Object.assign(settings, changes);
  localStorage.setItem(KEY, JSON.stringify(settings));
}
