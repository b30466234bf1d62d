import { join } from 'node:path'
import typescript from 'typescript'
import { root } from '../style/source.js'
import type { Program } from './program.js'

/** What the type checker says about the programs, each complaint with its page and line. All are checked at once. */
export function typeErrors(programs: readonly Program[]): string[] {
  const options = { ...compilerOptions(), noEmit: true, composite: false, incremental: false }
  const host = typescript.createCompilerHost(options)
  const texts = new Map(programs.map(program => [fileOf(program), program.text]))
  const { readFile, fileExists } = host
  host.readFile = path => texts.get(path) ?? readFile.call(host, path)
  host.fileExists = path => texts.has(path) || fileExists.call(host, path)
  host.getSourceFile = (path, target) => {
    const text = texts.get(path)
    return text === undefined ? library(path, target) : typescript.createSourceFile(path, text, target)
  }
  const checked = typescript.createProgram([...texts.keys()], options, host)
  return typescript.getPreEmitDiagnostics(checked).map(({ file, start, messageText }) => {
    const text = typescript.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined) return text
    const line = file.getLineAndCharacterOfPosition(start!).line + 1
    const page = programs.find(program => fileOf(program) === file.fileName)?.page ?? file.fileName
    return `${page}:${line} ${text}`
  })
}

const parsed = new Map<string, typescript.SourceFile | undefined>()

/** A file that programs import, read and parsed once. */
function library(
  path: string,
  target: typescript.ScriptTarget | typescript.CreateSourceFileOptions,
): typescript.SourceFile | undefined {
  if (!parsed.has(path)) {
    const text = typescript.sys.readFile(path)
    parsed.set(path, text === undefined ? undefined : typescript.createSourceFile(path, text, target))
  }
  return parsed.get(path)
}

/** The JavaScript of a program, line by line. */
export function javascript({ text }: Program): string {
  const { target, module, verbatimModuleSyntax } = compilerOptions()
  const compilerOptionsOf = { target: target!, module: module!, verbatimModuleSyntax: verbatimModuleSyntax! }
  return typescript.transpileModule(text, { compilerOptions: compilerOptionsOf, fileName: 'page.mts' })
    .outputText
}

/** At the top of the repository, so that names are found where its own files find them. */
const fileOf = ({ page, line }: Program): string => join(root, `${page.replaceAll('/', '-')}.${line}.ts`)

/** As strict as the repository itself; a page may declare what it does not use. */
function compilerOptions(): typescript.CompilerOptions {
  const path = join(root, 'tsconfig.test.json')
  const { config } = typescript.readConfigFile(path, typescript.sys.readFile)
  const { options } = typescript.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    typescript.sys,
    root,
  )
  return { ...options, noUnusedLocals: false, noUnusedParameters: false }
}
