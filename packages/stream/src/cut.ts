const LONGEST = 60

/** Text fit for a message: of more than 60 characters, the first 59 and `…`. */
export const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text)
