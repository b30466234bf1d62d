import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { from, lastValueFrom, toArray } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { detector } from '../docs/examples/anomaly-detection/detector.js'
import { faults, sensor } from '../docs/examples/anomaly-detection/sensor.js'
import { server } from '../docs/examples/keyed-server/server.js'

// The other examples are run by the tests of their pages, and in test/browser.test.ts.

test('the detector finds every fault within two values, and nothing else', async () => {
  const alarms = await lastValueFrom(
    from(sensor(7000)).pipe(detector({ warmUp: 3000, threshold: 40 }), toArray()),
  )
  const near = ({ at }: { readonly at: number }, { from, to }: (typeof faults)[number]): boolean =>
    at >= from && at <= to + 1
  for (const fault of faults) expect(alarms.some(alarm => near(alarm, fault))).toBe(true)
  expect(alarms.filter(alarm => !faults.some(fault => near(alarm, fault)))).toEqual([])
}, 60_000)

describe('the keyed server', () => {
  let running: Server
  let origin = ''
  beforeAll(async () => {
    running = server()
    await new Promise<void>(resolve => running.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(running.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise(resolve => running.close(resolve)))

  const post = async (key: string, body: string): Promise<{ status: number; said: Said }> => {
    const response = await fetch(`${origin}/${key}`, { method: 'POST', body })
    return { status: response.status, said: (await response.json()) as Said }
  }
  interface Said {
    readonly expected?: number
    readonly next?: number
    readonly learned?: number
    readonly error?: string
  }

  test('learns two sensors apart from each other', async () => {
    const sensors = { kitchen: (t: number) => Math.sin(t / 2), cellar: (t: number) => -Math.cos(t / 3) }
    const errors: Record<string, number[]> = { kitchen: [], cellar: [] }
    for (let t = 0; t < 200; t++)
      for (const [key, value] of Object.entries(sensors)) {
        const { status, said } = await post(key, JSON.stringify({ value: value(t) }))
        expect(status).toBe(200)
        if (t > 0) errors[key]!.push((said.expected! - value(t)) ** 2)
        else expect(said.expected).toBe(undefined)
      }
    const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length
    for (const found of Object.values(errors))
      expect(mean(found.slice(-50))).toBeLessThan(0.2 * mean(found.slice(0, 50)))
  }, 60_000)

  test.each(['{"value": "warm"}', '', 'no JSON', `{"value": 1, "more": "${'x'.repeat(2000)}"}`])(
    'refuses %j, and goes on',
    async body => {
      expect((await post('kitchen', body)).status).toBe(400)
      expect((await post('kitchen', '{"value": 0.5}')).status).toBe(200)
    },
  )
})
