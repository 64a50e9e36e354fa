// SPDX-License-Identifier: MIT
// Files made in the page.

/** Offers a text as a file to be saved. */
export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function cell(value) {
  if (value === null || value === undefined) return '';
  let text = String(value);
  // A spreadsheet would run such a text as a formula, and names are written by others.
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180, with a head. */
export const csv = (columns, rows) => `${[columns, ...rows.map((row) => columns.map((name) => row[name]))].map((line) => line.map(cell).join(',')).join('\r\n')}\r\n`;

/** "2026-11-21-1604" for names of files, in the reader's zone. */
export function stamp(time) {
  const two = (value) => String(value).padStart(2, '0');
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}-${two(at.getHours())}${two(at.getMinutes())}`;
}
