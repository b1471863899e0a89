import SerializerSelector from '@fastify/fast-json-stringify-compiler'

/**
 * Serializers for answers, of which equal schemas share one. A service documents the same few problems for each of its
 * routes, and a serializer takes longer to make than a route is worth at start.
 */
export function serializerFactory(): SerializerSelector.SerializerFactory {
  const factory = SerializerSelector()
  return (schemas, options) => {
    const compile = factory(schemas, options)
    const made = new Map<string, SerializerSelector.Serializer>()
    return (route) => {
      const key = JSON.stringify(route.schema)
      const serializer = made.get(key) ?? compile(route)
      made.set(key, serializer)
      return serializer
    }
  }
}
