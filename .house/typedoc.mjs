import { Converter } from 'typedoc'

/** Of the reference: a page of the guide is called by its heading, not by its file. */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    const [{ text }] = page.content
    page.name = /^# (.+)\n/.exec(text)?.[1] ?? page.name
  })
}
