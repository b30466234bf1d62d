/** Faults in where compiled programs put their values. See `faults.mjs`. */
export const compilerFaults = [
  {
    breaks: 'joined inputs change places where one has no next value',
    file: 'wasm/joint.ts',
    find: 'kept.has(value) !== kept.has(inputs[0]!)',
    replace: 'kept.has(value) && !kept.has(inputs[0]!)',
  },
  {
    breaks: 'inputs that are joined along a later axis lie side by side',
    file: 'wasm/joint.ts',
    find: '(i >= axis || dim === 1)',
    replace: '(i >= axis || dim >= 1)',
  },
  {
    breaks: 'zeros around an input are part of it',
    file: 'wasm/joint.ts',
    find: 'known && whole[axis] ===',
    replace: 'known && whole[axis] >=',
  },
  {
    breaks: 'a join is no look at its parts',
    file: 'wasm/ports.ts',
    find: 'homes.set(outputs[0]!, whole)',
    replace: 'homes.set(inputs[0]!, whole)',
  },
  {
    breaks: 'next values of joined inputs are written over them',
    file: 'wasm/ports.ts',
    find: 'layJoint(graph, joint, memory, later)',
    replace: 'layJoint(graph, joint, memory, now)',
  },
  {
    breaks: 'joined inputs never change places',
    file: 'wasm/ports.ts',
    find: 'if (changed.has(inputs[0]!)) swaps.push([whole.buffer,',
    replace: 'if (changed.has(inputs[0]!)) [].push([whole.buffer,',
  },
  {
    breaks: 'a result that is a look at resident state changes with it',
    file: 'wasm/planner.ts',
    find: '!swapped.has(view.buffer)',
    replace: 'swapped.size >= 0',
  },
  {
    breaks: 'a new carry is written over the old one, which is read again',
    file: 'wasm/carries.ts',
    find: 'if (others.some(touch => touch.at > at)) return false',
    replace: '',
  },
  {
    breaks: 'a new carry is written over the old one in another order than it is read',
    file: 'wasm/carries.ts',
    find: 'return readsBeforeItWrites([...here, ...moved], from.buffer)',
    replace: 'return moved.length > 0',
  },
  {
    breaks: 'every new carry is copied',
    file: 'wasm/carries.ts',
    find: 'if (here.length === 0) return true',
    replace: 'if (here.length === 0) return false',
  },
]
