import { steps, VARIABLE, type Step } from './walk-steps.ts'

/**
 * The walk as lines for a shell that has curl and node; they can be pasted again and again, for each makes a new
 * user. Status codes go to standard error, so that answers can be kept in variables.
 */
export function walkForShell(origin: string): string[] {
  return [
    `API=${origin}/api/v1 NAME=ada-$(date +%s)-$$`,
    `call() { curl -sS -w '%{stderr} %{http_code}\\n' -H 'Content-Type: application/json' "$@"; }`,
    `field() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$1" "$2"; }`,
    ...steps.flatMap((step) => ['', `# ${step.title} → ${step.status}`, ...linesOf(step)]),
  ]
}

function linesOf({ method, path, body, token, keep }: Step): string[] {
  const words = ['call', path.includes('?') ? `"$API${path}"` : `$API${path}`]
  if (token !== undefined) words.push('-H', `"Authorization: Bearer $${token}"`)
  if (body !== undefined) words.push('-d', quote(JSON.stringify(body)))
  else if (method === 'POST') words.push('-X', 'POST')
  const request = words.join(' ')
  if (keep === undefined) return [`${request}; echo`]
  const fields = Object.entries(keep).map(([variable, name]) => `${variable}=$(field "$PAIR" ${name})`)
  return [`PAIR=$(${request})`, fields.join(' ')]
}

/** In single quotes, which variables step out of; none of their values has a space. */
function quote(text: string): string {
  return `'${text.replaceAll(VARIABLE, "'$&'")}'`
}
