import { server } from './server.ts'

const port = Number(process.env['PORT'] ?? 8080)
server().listen(port, () => console.log(`POST http://localhost:${port}/KEY with {"value": 21.5}`))
