import { from } from 'rxjs'
import { detector } from './detector.ts'
import { sensor } from './sensor.ts'

from(sensor(7000))
  .pipe(detector({ warmUp: 3000, threshold: 40 }))
  .subscribe(({ at, score }) => console.log(`value ${at}: ${score.toFixed(0)} times the usual error`))
