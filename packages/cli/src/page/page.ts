import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { version } from '../version.js'
import type { Chart } from './chart.js'

/** A table: its head and its rows, the first cell of each a name. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly note: string
}

/** What a page shows. Texts are plain; nothing in them is read as HTML. */
export interface Page {
  readonly title: string
  /** What was done, in a sentence. */
  readonly lead: string
  readonly facts: readonly (readonly [label: string, text: string])[]
  readonly table: Table
  readonly charts: readonly Chart[]
}

/** By this a page is known as one of ours. */
export const generator = 'bptt'

/** One HTML document that needs nothing else: styles, uPlot, the data and the script that draws it are inside. */
export function html({ title, lead, facts, table, charts }: Page): string {
  const { style, plot, draw } = assets()
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${generator}">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
${style}
</style>
</head>
<body>
<main>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(lead)}</p>
<dl>${facts.map(([label, text]) => `<div><dt>${escaped(label)}</dt><dd>${escaped(text)}</dd></div>`).join('')}</dl>
</header>
${tableHtml(table)}
<noscript><p class="note">The charts are drawn by a script inside this page; with scripts off, the table is all there is.</p></noscript>
<div class="charts">
${charts.map(figureHtml).join('\n')}
</div>
<footer>Made by bptt ${escaped(version())}. This page is complete: it asks the network for nothing.</footer>
</main>
<script type="application/json" id="data">${json(charts)}</script>
<script>
${plot}
</script>
<script type="module">
${draw}
</script>
</body>
</html>
`
}

function tableHtml({ head, rows, note }: Table): string {
  const cells = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td>${escaped(cell)}</td>`))
      .join('')
  return `<section class="card">
<div class="scroll"><table>
<thead><tr>${head.map(cell => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead>
<tbody>${rows.map(row => `<tr>${cells(row)}</tr>`).join('')}</tbody>
</table></div>
<p class="note">${escaped(note)}</p>
</section>`
}

function figureHtml({ id, title, note }: Chart): string {
  return `<figure class="card" id="${escaped(id)}">
<figcaption><h2>${escaped(title)}</h2><p class="note">${escaped(note)}</p></figcaption>
<div class="chart" role="img" aria-label="${escaped(`${title}: ${note}`)}"></div>
</figure>`
}

function assets(): { readonly style: string; readonly plot: string; readonly draw: string } {
  const own = (name: string): string =>
    readFileSync(new URL(`../../page/${name}`, import.meta.url), 'utf8').trimEnd()
  const { resolve } = createRequire(import.meta.url)
  const library = (name: string): string => readFileSync(resolve(`uplot/dist/${name}`), 'utf8').trimEnd()
  return {
    style: `${library('uPlot.min.css')}\n${own('style.css')}`,
    plot: library('uPlot.iife.min.js'),
    draw: own('charts.js'),
  }
}

/** Data inside a script element, which no text can end. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, sign => names[sign]!)
}
