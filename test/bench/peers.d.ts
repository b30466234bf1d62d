/** What the benchmark uses of its peers, so that it is type-checked where they are not installed. */
declare module '@jax-js/jax' {
  export interface JaxArray {
    readonly ref: JaxArray
    readonly shape: number[]
    add(other: JaxArray | number): JaxArray
    sub(other: JaxArray | number): JaxArray
    mul(other: JaxArray | number): JaxArray
    div(other: JaxArray | number): JaxArray
    sum(): JaxArray
    reshape(shape: number[]): JaxArray
    slice(...index: (number | [] | [number, number])[]): JaxArray
    dispose(): void
    dataSync(): Float32Array
  }
  export type JaxTree = JaxArray | JaxTree[] | { [name: string]: JaxTree }
  export function init(device: 'wasm'): Promise<string[]>
  export function defaultDevice(device: 'wasm'): string
  export function jit<A extends unknown[], R>(f: (...args: A) => R): ((...args: A) => R) & { dispose(): void }
  export function valueAndGrad<P, A extends unknown[]>(
    f: (params: P, ...rest: A) => JaxArray,
  ): (params: P, ...rest: A) => [JaxArray, P]
  export function valueAndGrad<P, A extends unknown[], X>(
    f: (params: P, ...rest: A) => [JaxArray, X],
    options: { readonly hasAux: true },
  ): (params: P, ...rest: A) => [[JaxArray, X], P]
  export const numpy: {
    array(data: Float32Array | number): JaxArray
    zeros(shape: readonly number[]): JaxArray
    matmul(a: JaxArray, b: JaxArray): JaxArray
    split(a: JaxArray, parts: number, axis: number): JaxArray[]
    concatenate(parts: JaxArray[], axis: number): JaxArray
    tanh(a: JaxArray): JaxArray
    sqrt(a: JaxArray): JaxArray
    square(a: JaxArray): JaxArray
    reciprocal(a: JaxArray): JaxArray
    minimum(a: JaxArray, b: number): JaxArray
  }
  export const nn: { sigmoid(a: JaxArray): JaxArray; logSoftmax(a: JaxArray, axis: number): JaxArray }
  export const tree: { ref<T>(tree: T): T; dispose(tree: unknown): void }
}

declare module '@tensorflow/tfjs' {
  export interface TfTensor {
    readonly name: string
    dataSync(): Float32Array
    dispose(): void
  }
  export interface TfVariable extends TfTensor {
    assign(value: TfTensor): void
  }
  type Term = TfTensor | number
  export function env(): { set(flag: string, value: boolean): void }
  export function setBackend(name: string): Promise<boolean>
  export function ready(): Promise<void>
  export function tensor(data: Float32Array, shape: readonly number[]): TfTensor
  export function variable(value: TfTensor): TfVariable
  export function scalar(value: number): TfTensor
  export function zeros(shape: readonly number[]): TfTensor
  export function zerosLike(value: TfTensor): TfTensor
  export function add(a: Term, b: Term): TfTensor
  export function addN(terms: readonly TfTensor[]): TfTensor
  export function sub(a: Term, b: Term): TfTensor
  export function mul(a: Term, b: Term): TfTensor
  export function div(a: Term, b: Term): TfTensor
  export function minimum(a: Term, b: Term): TfTensor
  export function sqrt(a: TfTensor): TfTensor
  export function square(a: TfTensor): TfTensor
  export function sum(a: TfTensor): TfTensor
  export function sigmoid(a: TfTensor): TfTensor
  export function tanh(a: TfTensor): TfTensor
  export function logSoftmax(a: TfTensor): TfTensor
  export function matMul(a: TfTensor, b: TfTensor): TfTensor
  export function split(a: TfTensor, parts: number, axis: number): TfTensor[]
  export function slice(a: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor
  export function concat(parts: readonly TfTensor[], axis: number): TfTensor
  export function tidy<T>(f: () => T): T
  export function keep<T extends TfTensor>(value: T): T
  export function variableGrads(
    f: () => TfTensor,
    by: readonly TfVariable[],
  ): { value: TfTensor; grads: Record<string, TfTensor> }
}
