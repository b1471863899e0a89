import type { FeedFollower } from './feed-follower.ts'
import type { Carrier, Observer } from './observer.ts'
import type { RedisFollower } from './redis-follower.ts'

/** Beats come every 100 ms. Without one for so long, the feed is asked meanwhile. */
const SILENT_MS = 400
const LOOK_MS = 50

/** What keeps a replica up to date. */
export interface Follower {
  start(): void
  /** Says farewell to the log's writer, if it can be reached, and ends every connection and timer. */
  stop(): Promise<void>
}

/** Follows the log on the paths that there are: Redis while it speaks, the feed while it is silent. */
export function chooseCarrier(paths: {
  redis: RedisFollower | undefined
  feed: FeedFollower | undefined
  observer: Observer
}): Follower {
  const { redis, feed, observer } = paths
  let carrier: Carrier | undefined
  let timer: NodeJS.Timeout | undefined
  const choose = (now: Carrier) => {
    if (carrier !== now) observer.carrier?.(now)
    carrier = now
  }
  const look = () => {
    const isSilent = !redis || redis.silence() > SILENT_MS
    if (isSilent && feed && !feed.running) {
      choose('feed')
      feed.start()
    } else if (!isSilent) {
      choose('redis')
      void feed?.pause()
    }
  }
  return {
    start: () => {
      redis?.start()
      if (!redis) look()
      else timer = setInterval(look, LOOK_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await feed?.pause()
      const isTold = await redis?.stop()
      if (!isTold) await feed?.stop()
    },
  }
}
