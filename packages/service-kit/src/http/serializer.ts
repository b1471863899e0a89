import SerializerSelector from '@fastify/fast-json-stringify-compiler'

/**
 * Serializers for answers, of which equal schemas share one, made when the first answer needs it. A service documents a
 * dozen answers for each of its routes, most of them problems that never come, and making all of these serializers
 * would take a large part of its start.
 */
export function serializerFactory(): SerializerSelector.SerializerFactory {
  const factory = SerializerSelector()
  return (schemas, options) => {
    const compile = factory(schemas, options)
    const made = new Map<string, SerializerSelector.Serializer>()
    return (route) => {
      const key = JSON.stringify(route.schema)
      const serializer = made.get(key) ?? onFirstUse(() => compile(route))
      made.set(key, serializer)
      return serializer
    }
  }
}

function onFirstUse(make: () => SerializerSelector.Serializer): SerializerSelector.Serializer {
  let serializer: SerializerSelector.Serializer | undefined
  return (document) => (serializer ??= make())(document)
}
