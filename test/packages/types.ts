import typescript from 'typescript'

/** How a stranger's TypeScript finds packages: with the types of a browser, and with those of neither a browser nor Node. */
export const resolutions = {
  bundler: {
    module: typescript.ModuleKind.ESNext,
    moduleResolution: typescript.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  },
  nodenext: {
    module: typescript.ModuleKind.NodeNext,
    moduleResolution: typescript.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts'],
  },
} as const satisfies Record<string, typescript.CompilerOptions>

/** What the type checker says of a file, and of the declarations of our packages that it reads. */
export function complaints(path: string, resolution: keyof typeof resolutions): string[] {
  const program = typescript.createProgram([path], {
    ...(resolutions[resolution] as typescript.CompilerOptions),
    target: typescript.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: false,
    skipDefaultLibCheck: true,
  })
  return program
    .getSourceFiles()
    .filter(({ fileName }) => fileName === path || fileName.includes('/@bptt/'))
    .flatMap(file => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${typescript.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
}
