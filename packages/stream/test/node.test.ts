import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packageText, readBytes, readText, writeAtomic } from '../src/node/index.js'
import { reason } from '../src/node/reason.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

const at = (...parts: string[]) => join(folder, ...parts)

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(at(path), '..'), { recursive: true })
  await writeFile(at(path), text)
}

describe('writeAtomic', () => {
  test('makes a file and replaces it whole', async () => {
    await writeAtomic(at('a'), Uint8Array.of(1, 2, 3))
    await writeAtomic(at('a'), Uint8Array.of(4))
    expect([...(await readBytes(at('a')))]).toEqual([4])
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('follows a link and keeps permissions', async () => {
    await put('real', 'old')
    await chmod(at('real'), 0o606)
    await symlink('real', at('link'))
    await writeAtomic(at('link'), Buffer.from('new'))
    expect(await readlink(at('link'))).toBe('real')
    expect(await readFile(at('real'), 'utf8')).toBe('new')
    expect((await stat(at('real'))).mode & 0o777).toBe(0o606)
  })

  test('leaves the old file and no other when it fails halfway', async () => {
    await put('a', 'old')
    const notBytes = { length: 3 } as unknown as Uint8Array
    await expect(writeAtomic(at('a'), notBytes)).rejects.toMatchObject({
      code: 'cannot-write',
      where: at('a'),
    })
    expect(await readFile(at('a'), 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('says why it cannot write', async () => {
    const rule = 'a file is replaced whole or not at all'
    await put('file', 'x')
    await mkdir(at('inner'))
    const no = (path: string) => expect(writeAtomic(path, Uint8Array.of(1))).rejects
    await no(at('none', 'a')).toThrow(
      `${at('none', 'a')}: cannot be written: there is no folder ${at('none')}; ${rule}\n` +
        'hint: create the folder first',
    )
    await no(at('inner')).toThrow(`${at('inner')}: cannot be written: it is a folder; ${rule}`)
    await no(at('file', 'a')).toThrow(
      `cannot be written: a part of the path is a file, not a folder; ${rule}`,
    )
    await no('/dev/null').toThrow(`/dev/null: cannot be written: it is not an ordinary file; ${rule}`)
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(['file', 'inner'])
  })
})

describe('readBytes', () => {
  test('reads all bytes', async () => {
    await put('a', 'abc')
    expect(await readBytes(at('a'))).toEqual(Uint8Array.of(97, 98, 99))
  })

  test('says why it cannot read', async () => {
    await expect(readBytes(at('none'))).rejects.toThrow(
      `${at('none')}: cannot be read: there is no such file or folder`,
    )
    await expect(readBytes(folder)).rejects.toThrow(`${folder}: cannot be read: it is a folder`)
    await expect(readBytes(folder)).rejects.toMatchObject({ code: 'cannot-read' })
  })
})

describe('reason', () => {
  test.each([
    ['EROFS', 'the file system is read-only'],
    ['ENOSPC', 'the disk is full'],
    ['EACCES', 'permission is denied'],
    ['EDQUOT', 'the disk quota is used up'],
  ])('puts %s in plain words', (code, words) => {
    expect(reason(Object.assign(new Error('oops'), { code }))).toBe(words)
  })

  test('falls back to the message of an unknown error', () => {
    expect(reason(Object.assign(new Error('oops'), { code: 'toString' }))).toBe('oops')
    expect(reason('odd')).toBe('odd')
  })
})

describe('readText', () => {
  test('reads a file as UTF-8 without its byte order mark', async () => {
    await put('a', '\ufeffhé😀')
    expect(await readText(at('a'))).toBe('hé😀')
  })

  test('reads a stream in place of standard input, symbols cut in two included', async () => {
    const bytes = Buffer.from('hé😀')
    const stream = Readable.from([bytes.subarray(0, 2), bytes.subarray(2, 5), bytes.subarray(5)])
    expect(await readText('-', stream)).toBe('hé😀')
  })

  test('names the byte that is not UTF-8', async () => {
    await writeFile(at('a'), Buffer.from([0x61, 0xc3, 0xa9, 0xe2, 0x82]))
    await expect(readText(at('a'))).rejects.toThrow(
      `${at('a')}: byte 3 is not UTF-8; a text is read as UTF-8\n` +
        'hint: is it a binary file, or text in another encoding?',
    )
    const stdin = readText('-', Readable.from([Buffer.from([0xff])]))
    await expect(stdin).rejects.toMatchObject({ code: 'bad-text', where: 'standard input' })
  })

  test('says that the input broke', async () => {
    const broken = new Readable({ read: (): void => undefined })
    broken.destroy(Object.assign(new Error('oops'), { code: 'EIO' }))
    await expect(readText('-', broken)).rejects.toThrow(
      'standard input: cannot be read: the disk reports an error',
    )
  })
})

describe('packageText', () => {
  const manifest = (name: string, more = {}) => JSON.stringify({ name, ...more })

  test('joins the sources of a package by path, declarations and other files left out', async () => {
    await put('node_modules/p/package.json', manifest('p'))
    for (const name of ['b.ts', 'B.ts', 'a/z.ts', 'a.ts', 'a/n.js', 'b.d.ts', '\ufffd.ts', '😀.ts']) {
      await put(`node_modules/p/src/${name}`, `${name};`)
    }
    await put('node_modules/p/outside.ts', 'outside')
    const text = 'B.ts;a.ts;a/z.ts;b.ts;\ufffd.ts;😀.ts;'
    expect(await packageText('p', folder)).toBe(text)
    expect(await packageText('p', join(folder, 'main.js'))).toBe(text)
    expect(await packageText('p', pathToFileURL(join(folder, 'main.js')))).toBe(text)
    expect(await packageText('p', pathToFileURL(join(folder, 'main.js')).href, '.js')).toBe('a/n.js;')
  })

  test('takes the whole package, its own dependencies left out, when it has no src', async () => {
    await put('node_modules/@s/p/package.json', manifest('@s/p'))
    await put('node_modules/@s/p/lib/a.ts', 'a')
    await put('node_modules/@s/p/node_modules/q/b.ts', 'b')
    expect(await packageText('@s/p', folder)).toBe('a')
  })

  test('finds a package that exports its entry only, or only to import', async () => {
    await put('node_modules/e/package.json', manifest('e', { exports: './dist/deep/e.cjs' }))
    await put('node_modules/e/dist/deep/e.cjs', '')
    await put('node_modules/e/dist/deep/package.json', '{"type":"commonjs"}')
    await put('node_modules/e/src/e.ts', 'entry')
    await put('node_modules/i/package.json', manifest('i', { exports: { import: './i.js' } }))
    await put('node_modules/i/src/i.ts', 'import')
    expect(await packageText('e', folder)).toBe('entry')
    expect(await packageText('i', folder)).toBe('import')
  })

  test('gives rxjs as a corpus of some 800,000 symbols', async () => {
    const text = await packageText('rxjs', import.meta.url)
    expect(text.length).toBeGreaterThan(700_000)
    expect(text.length).toBeLessThan(1_000_000)
    expect(await packageText('rxjs', import.meta.url)).toBe(text)
  })

  test('says that a package is not there, or has no such file', async () => {
    await put('node_modules/p/package.json', manifest('p'))
    await put('package.json', manifest('self'))
    await expect(packageText('none', folder)).rejects.toThrow(
      `none: there is no such package to import from ${at('package.json')}; it must be installed\n` +
        'hint: npm install none',
    )
    await expect(packageText('p', folder)).rejects.toThrow(
      `p: no file of the package ends in .ts; looked in ${at('node_modules/p')}`,
    )
    await expect(packageText('p', folder)).rejects.toMatchObject({ code: 'no-package' })
    for (const name of ['', '.', '..', '../p', './p', '/p', 'p/src', 'node:fs', '@s']) {
      await expect(packageText(name, folder)).rejects.toMatchObject({ code: 'no-package', where: name })
    }
  })
})
