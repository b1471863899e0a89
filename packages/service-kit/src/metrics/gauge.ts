import { Gauge, type Registry } from 'prom-client'

/** A gauge that is read when somebody asks, and has no series while there is nothing to tell. */
export function gauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | undefined | Promise<number | undefined>,
): void {
  const made = new Gauge({
    name,
    help,
    registers: [],
    async collect() {
      const value = await read()
      if (value === undefined) this.remove()
      else this.set(value)
    },
  })
  registry.registerMetric(made)
}

/** A gauge of several values, by a label, that are read when somebody asks. */
export function gauges(
  registry: Registry,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
  read: () => Readonly<Record<string, number>>,
): void {
  const made = new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [],
    collect() {
      for (const [value, number] of Object.entries(read())) this.labels(value).set(number)
    },
  })
  registry.registerMetric(made)
}
