import { once } from 'node:events'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const HeapSchema = Type.Object({ usedSize: Type.Number(), backingStorageSize: Type.Number() })
const isTargets = Compile(Type.Array(Type.Object({ webSocketDebuggerUrl: Type.String() })))
const isAnswer = Compile(Type.Object({ id: Type.Integer(), result: Type.Unknown() }))
const isHeap = Compile(HeapSchema)

/** Bytes in the heap of a process of Node, and in typed arrays, after its garbage was collected; by its inspector. */
export async function heapOf(inspectPort: number): Promise<Static<typeof HeapSchema>> {
  const targets: unknown = await (await fetch(`http://127.0.0.1:${inspectPort}/json`)).json()
  const [target] = isTargets.Check(targets) ? targets : []
  if (!target) throw new Error('the process has no inspector')
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await once(socket, 'open')
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    const heap = await ask(socket, 2, 'Runtime.getHeapUsage')
    if (!isHeap.Check(heap)) throw new Error('the inspector answered in another shape')
    return heap
  } finally {
    socket.close()
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onMessage = ({ data }: MessageEvent) => {
    const answer: unknown = JSON.parse(String(data))
    if (!isAnswer.Check(answer) || answer.id !== id) return
    socket.removeEventListener('message', onMessage)
    resolve(answer.result)
  }
  socket.addEventListener('message', onMessage)
  socket.addEventListener('close', () => reject(new Error('the inspector is gone')))
  socket.send(JSON.stringify({ id, method }))
  return promise
}
