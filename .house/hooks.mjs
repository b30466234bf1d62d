// Lets Node run the TypeScript of this repository's own tools: `node --import ./.house/hooks.mjs tool.ts`.
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import typescript from 'typescript'

if (isMainThread) register(import.meta.url)

export function resolve(specifier, context, next) {
  const own = specifier.startsWith('.') && context.parentURL?.endsWith('.ts')
  return next(own ? specifier.replace(/\.js$/, '.ts') : specifier, context)
}

export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  const compilerOptions = {
    module: 'esnext',
    target: 'es2023',
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
  }
  const { outputText } = typescript.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    compilerOptions,
    fileName: fileURLToPath(url),
  })
  return { format: 'module', source: outputText, shortCircuit: true }
}
