// Draws the charts of a page with uPlot, in the colours of the style sheet; runs in the browser.

/** @typedef {import('../src/page/chart.js').Chart} Chart */
/** @typedef {import('../src/page/chart.js').Axis} Axis */

/** @param {string} name */
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

const font = '12px system-ui, sans-serif'
const touch = matchMedia('(pointer: coarse)').matches

/** The colour of the i-th series that is no yardstick. @param {Chart} chart @param {number} i */
const nameOf = ({ series }, i) =>
  series[i].muted ? 'quiet' : `series-${series.slice(0, i).filter(one => !one.muted).length % 8}`

/** @param {number | null | undefined} value */
function figure(value) {
  if (value == null) return '–'
  const size = Math.abs(value)
  if (size !== 0 && size < 1e-3) return value.toExponential(1)
  if (size >= 1e5) return new Intl.NumberFormat('en', { notation: 'compact' }).format(value)
  return size >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

/** @param {Axis} axis @returns {uPlot.Scale} */
function scale({ log, min, max }) {
  return {
    time: false,
    distr: log ? 3 : 1,
    ...(min === undefined && max === undefined ? {} : { range: (_, low, high) => [min ?? low, max ?? high] }),
  }
}

/** @param {Axis} axis @param {boolean} upright @returns {uPlot.Axis} */
function axis({ label, log }, upright) {
  return {
    label,
    font,
    labelFont: font,
    labelSize: 20,
    size: upright ? 56 : 26,
    gap: 4,
    stroke: () => colour('quiet'),
    grid: {
      stroke: () => colour('line'),
      width: 1,
      ...(log ? { filter: (_, marks) => marks.map(mark => (isPower(mark) ? mark : null)) } : {}),
    },
    ticks: { show: false },
    values: (_, marks) => marks.map(mark => (mark === null || (log && !isPower(mark)) ? '' : figure(mark))),
  }
}

/** @param {number} value */
const isPower = value => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9

/** @param {Chart} chart @param {number} i @returns {uPlot.Series} */
function line(chart, i) {
  const { kind } = chart
  const { name, muted, size } = chart.series[i]
  const stroke = () => colour(nameOf(chart, i))
  return {
    label: name,
    stroke,
    width: muted ? 1 : 2,
    ...(muted ? { dash: [4, 4] } : {}),
    spanGaps: chart.joined === true,
    value: (_, value) => figure(value),
    ...(kind === 'step' && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
    ...(kind === 'bubbles' ? { paths: () => null } : {}),
    points: {
      show: kind === 'points' || kind === 'bubbles',
      size: size ?? 6,
      width: kind === 'bubbles' ? 2 : 0,
      stroke,
      fill: () => (kind === 'bubbles' ? `${stroke()}55` : stroke()),
    },
  }
}

/** Writes its name above every bubble, or where there is room. @param {Chart} chart @returns {(plot: uPlot) => void} */
const names = chart => plot => {
  const { ctx, bbox } = plot
  const pixel = devicePixelRatio
  /** @type {number[][]} left, right, height of the names written so far */
  const taken = []
  ctx.save()
  ctx.font = `${12 * pixel}px system-ui, sans-serif`
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'center'
  chart.series.forEach(({ name, y, size = 6 }, i) => {
    const place = y.findIndex(value => value !== null)
    if (place < 0) return
    const half = ctx.measureText(name).width / 2
    const middle = plot.valToPos(chart.at[place], 'x', true)
    const left = Math.min(Math.max(middle, bbox.left + half), bbox.left + bbox.width - half)
    const top = plot.valToPos(/** @type {number} */ (y[place]), 'y', true)
    const free = [-1, 1, -2, 2, -3, -4, -5, -6, 3]
      .map(step => top + Math.sign(step) * (size / 2 - 6 + 15 * Math.abs(step)) * pixel)
      .find(
        high =>
          high > bbox.top &&
          high < bbox.top + bbox.height &&
          taken.every(
            ([from, to, at]) => left + half < from || left - half > to || Math.abs(high - at) > 13 * pixel,
          ),
      )
    if (free === undefined) return
    taken.push([left - half, left + half, free])
    ctx.fillStyle = colour(nameOf(chart, i))
    ctx.fillText(name, left, free)
  })
  ctx.restore()
}

/** @param {Chart} chart @param {HTMLElement} place @returns {uPlot} */
function draw(chart, place) {
  const bubbles = chart.kind === 'bubbles'
  const height = 280
  /** @type {uPlot.Options} */
  const options = {
    width: place.clientWidth,
    height,
    scales: { x: scale(chart.x), y: scale(chart.y) },
    axes: [axis(chart.x, false), axis(chart.y, true)],
    series: [
      { label: chart.x.label, value: (_, value) => figure(value) },
      ...chart.series.map((_, i) => line(chart, i)),
    ],
    cursor: { drag: { x: !touch && !bubbles, y: false }, show: !bubbles },
    legend: {
      show: !bubbles,
      markers: {
        width: 2,
        stroke: (_, i) => `var(--${nameOf(chart, i - 1)})`,
        dash: (_, i) => (chart.series[i - 1].muted ? 'dashed' : 'solid'),
      },
    },
    hooks: bubbles ? { draw: [names(chart)] } : {},
  }
  const plot = new uPlot(options, [[...chart.at], ...chart.series.map(({ y }) => [...y])], place)
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height })).observe(place)
  return plot
}

/** @type {readonly Chart[]} */
const charts = JSON.parse(document.getElementById('data')?.textContent ?? '[]')
const plots = charts.flatMap(chart => {
  const place = document.querySelector(`#${chart.id} .chart`)
  return place instanceof HTMLElement ? [draw(chart, place)] : []
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const plot of plots) plot.redraw()
})
