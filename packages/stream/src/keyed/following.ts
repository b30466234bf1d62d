import { defer, map, type OperatorFunction } from 'rxjs'
import {
  answersTo,
  Follower,
  type Ground,
  type Kind,
  type Origin,
  type Question,
  runner,
} from '../evaluation.js'
import { checkKey, withKey } from './keys.js'

/** Adds to every event what the model says of it, with a carry per key; the keys take turns at one model. */
export function answeringKeys<E, One extends Question, More>(
  ground: Ground,
  originOf: (key: string) => Origin,
  kind: Kind<One, More>,
): OperatorFunction<E, E & More> {
  return events =>
    defer(() => {
      const followers = new Map<string, Follower>()
      let run: ReturnType<typeof runner> | undefined
      let seated: Follower | undefined
      const begun = (key: string): Follower => {
        const origin = originOf(key)
        run ??= runner(ground, origin, kind.judges)
        const made = new Follower(origin, run)
        followers.set(key, made)
        return made
      }
      const followerOf = (key: string): Follower => {
        const known = followers.get(key)
        if (known !== undefined && known === seated) return known
        seated?.leave()
        seated = known ?? begun(key)
        known?.goOn()
        return seated
      }
      const answer = (event: One & { readonly key: string }): One & More => {
        const { key } = event
        checkKey(key, () => 'an event')
        try {
          return answersTo([event], followerOf(key), ground.site, kind)[0]!
        } catch (error) {
          throw withKey(error, key)
        }
      }
      return events.pipe(map(event => answer(event as never) as unknown as E & More))
    })
}
