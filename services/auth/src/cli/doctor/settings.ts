import type { ReadSettings } from '../../config.ts'
import { Findings, type Finding } from './finding.ts'

/** What is wrong with the settings, and what is valid but no good idea. */
export function examineSettings({ settings, errors }: ReadSettings): Finding[] {
  const found = new Findings('settings')
  for (const error of errors) found.failed(error, '.env.example tells what each setting takes')
  const { ISSUER = 'https://', TRUST_PROXY, LOGIN_THROTTLE, RATE_LIMIT_MAX } = settings
  if (ISSUER.startsWith('http:') && !['localhost', '127.0.0.1', '[::1]'].includes(new URL(ISSUER).hostname))
    found.warning(
      'ISSUER is reached without TLS: passwords and tokens travel in the clear',
      'put TLS in front of the gateway, and set ISSUER to the https:// address',
    )
  if (TRUST_PROXY === 'true')
    found.warning(
      'TRUST_PROXY believes whatever address anybody says that they have',
      'name the addresses of the gateway: TRUST_PROXY=10.0.0.0/8',
    )
  if (LOGIN_THROTTLE === 'off') found.warning('LOGIN_THROTTLE is off', 'set it to on')
  if (RATE_LIMIT_MAX === 0) found.warning('RATE_LIMIT_MAX is 0: there is no limit', 'set it to 100 or so')
  if (found.all.length === 0) found.ok('complete, and nothing contradicts')
  return found.all
}
